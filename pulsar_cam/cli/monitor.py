"""``pulsar-cam monitor``: probes of the node and the state of the stream, once or all the time."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections.abc import Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ..errors import InvalidOption
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import DEFAULT_TOPIC, Topic
from ..runtime.background import Background
from ..text import utc_text
from . import options
from .access import reaches_node
from .output.console import errors, print_json, set_up_logging, stoppable
from .output.live_view import LiveView, Output
from .output.metrics import metrics
from .output.wording import with_options

if TYPE_CHECKING:
    from ..metrics.monitor import NewestView
    from ..monitor.hooks.hooks import Hook
    from ..monitor.plan import Plan
    from ..monitor.view import View

EXAMPLES = """
Examples:\n
  pulsar-cam monitor\n
  pulsar-cam monitor --once && echo healthy\n
  pulsar-cam monitor --topic front-door --interval 10 --json >> front-door.jsonl\n
  pulsar-cam monitor --once --expect-stream --topic front-door\n
  pulsar-cam monitor --on-change 'notify-send "the stream has changed"'
"""

_PROBES, _CHANGES = "Probes", "When a state changes"
_LONGEST_NUMBER = 20  # and all that are longer are too large
_DEFAULT_SIZES = "1000,50000,200000"
_ONCE_ROUNDS = 4
_ONCE_INTERVAL_S = 1.0
_ONCE_PATIENCE_S = 3.0
_TICK_S = 0.05


@reaches_node
def monitor(
    topic: options.TopicName = DEFAULT_TOPIC,
    expect_stream: Annotated[
        bool,
        typer.Option(
            "--expect-stream", help="A topic without a publisher is a problem, too.", rich_help_panel=options.STREAM
        ),
    ] = False,
    interval: Annotated[
        float,
        typer.Option(
            "--interval", metavar="S", help="Seconds from one round of probes to the next.", rich_help_panel=_PROBES
        ),
    ] = 5.0,
    probe_sizes: Annotated[
        str,
        typer.Option("--probe-sizes", metavar="BYTES,...", help="Payloads of the probes.", rich_help_panel=_PROBES),
    ] = _DEFAULT_SIZES,
    budget: Annotated[
        float,
        typer.Option(
            "--budget",
            metavar="MS",
            help="A probe that takes longer from end to end is slow.",
            rich_help_panel=_PROBES,
        ),
    ] = 250.0,
    once: Annotated[
        bool,
        typer.Option(
            "--once",
            help="Check for some seconds and end: exit code 1 if there is a problem.",
            rich_help_panel=options.STOP,
        ),
    ] = False,
    duration: options.Duration = None,
    on_change: Annotated[
        str | None,
        typer.Option(
            "--on-change",
            metavar="COMMAND",
            help="Run this, without a shell, when a state is new and held for two intervals. The change is JSON "
            "on its standard input, and in PULSAR_CAM_STATE, _BEFORE, _REASON, _PART, _DOWNTIME_S. Not with --once.",
            rich_help_panel=_CHANGES,
        ),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            "--webhook",
            metavar="URL",
            envvar="PULSAR_CAM_WEBHOOK",
            help="Post the change there. Others on this machine can see arguments: where it holds a secret, use the "
            "environment variable, or a file. Not with --once.",
            rich_help_panel=_CHANGES,
        ),
    ] = None,
    webhook_file: Annotated[
        Path | None,
        typer.Option("--webhook-file", metavar="FILE", help="File with such a URL.", rich_help_panel=_CHANGES),
    ] = None,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply",
            help="Carry out the safe part of the advice: what deletes nothing and can be undone.",
            rich_help_panel=_CHANGES,
        ),
    ] = False,
    *,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print JSON lines: one each interval, one at the end.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    verbose: options.Verbose = 0,
    endpoint: Endpoint,
    metrics_port: options.MetricsPort = None,
    metrics_host: options.MetricsHost = options.METRICS_HOST,
) -> None:
    """Send probes through the node, look at its health and at the stream, and say what fails.

    The parts are node, connect, sessions, probes, storage, topic and stream; each is ok, a warning, a problem, or
    skipped (could not be found out). What changes is logged once. Probes go to topics of their own beside the
    stream's, and no viewer receives them. It goes on while the node is down, until Ctrl-C.
    """
    set_up_logging(verbose)
    full_topic = Topic.parse(topic)
    if duration is not None and not 0 < duration < math.inf:
        raise InvalidOption("duration_s", duration, "expected a number of seconds above 0")
    with stoppable() as stop:
        from ..metrics.monitor import NewestView, monitor_readings
        from ..monitor.plan import Plan
        from ..monitor.sessions import log

        log.setLevel(logging.NOTSET if verbose else logging.ERROR)  # the findings say it once, and better
        plan = replace(Plan.of(interval, _sizes(probe_sizes), budget, expect_stream), applies=apply)
        if once:
            _check_once(endpoint, full_topic, plan, as_json, stop)
        else:
            hooks, newest = _hooks(on_change, webhook, webhook_file), NewestView()
            with metrics(metrics_port, metrics_host, (newest, monitor_readings(newest, full_topic))):
                _watch(endpoint, full_topic, plan, duration, as_json, hooks, newest, stop)
        if stop.is_set():
            raise typer.Exit(130)


def _check_once(endpoint: Endpoint, topic: Topic, plan: Plan, as_json: bool, stop: threading.Event) -> None:
    from ..monitor.screen.table import table

    views: list[View] = []
    plan = replace(plan, interval_s=_ONCE_INTERVAL_S, patience_s=_ONCE_PATIENCE_S)
    _run(_follow(endpoint, topic, plan, [views.append], rounds=_ONCE_ROUNDS), stop)
    if len(views) < _ONCE_ROUNDS:
        return
    if as_json:
        _print_json("status", views[-1].as_dict())
    else:
        Console(highlight=False).print(table(views[-1]))
    if views[-1].state == "problem":
        raise typer.Exit(1)


def _hooks(command: str | None, url: str | None, file: Path | None) -> list[Hook]:
    from ..monitor.hooks.command import Command
    from ..monitor.hooks.webhook import Webhook

    hooks: list[Hook] = [Command(command)] if command is not None else []
    hooks += [Webhook(url)] if url else []
    return hooks + ([Webhook.of_file(file)] if file else [])


def _watch(
    endpoint: Endpoint,
    topic: Topic,
    plan: Plan,
    duration_s: float | None,
    as_json: bool,
    hooks: Sequence[Hook],
    newest: NewestView,
    stop: threading.Event,
) -> None:
    from ..monitor.hooks.change_log import ChangeLog
    from ..monitor.hooks.hooks import Hooks
    from ..monitor.screen.totals import Totals

    totals, began_s = Totals(), time.monotonic()
    is_live = sys.stdout.isatty() and errors.is_terminal and not as_json
    shown = LiveView() if is_live else nullcontext(lambda view: _print_json("status", view.as_dict()))
    with Hooks(hooks, str(topic)) as calls, shown as show:
        outputs: list[Output] = [totals.add, ChangeLog().add, calls.follow, newest.take, show]
        _run(_follow(endpoint, topic, plan, outputs), stop, duration_s, newest)
    elapsed_s = time.monotonic() - began_s
    if is_live:
        typer.echo(f"{totals.sentence}, in {elapsed_s:.1f} s")
    else:
        when = {"at": utc_text(time.time_ns()), "elapsed_s": round(elapsed_s, 1)}
        _print_json("summary", when | totals.as_dict())


def _run(
    following: Coroutine[Any, Any, None],
    stop: threading.Event,
    duration_s: float | None = None,
    newest: NewestView | None = None,
) -> None:
    until_s = time.monotonic() + (math.inf if duration_s is None else duration_s)
    with Background(following) as background:
        if newest:
            newest.network = background
        while background.is_running and time.monotonic() < until_s and not stop.wait(_TICK_S):
            pass


async def _follow(
    endpoint: Endpoint, topic: Topic, plan: Plan, outputs: Sequence[Output], rounds: int | None = None
) -> None:
    """Hand each view to all outputs."""
    from ..monitor.monitor import Monitor

    seen = 0
    async with Monitor(endpoint, topic, plan) as monitor:
        async for view in monitor:
            worded = _with_options(view)
            for output in outputs:
                output(worded)
            seen += 1
            if seen == rounds:
                return


def _with_options(view: View) -> View:
    findings = (replace(one, says=with_options(one.says), change=with_options(one.change)) for one in view.findings)
    return replace(view, findings=tuple(findings))


def _print_json(event: str, values: dict[str, Any]) -> None:
    print_json({"command": "monitor", "event": event, **values})


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part[:_LONGEST_NUMBER]) for part in text.split(","))
    except ValueError:
        raise InvalidOption("probe_sizes", ascii(text), "expected bytes, such as 1000,50000") from None
