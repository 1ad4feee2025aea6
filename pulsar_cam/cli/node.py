"""``pulsar-cam node``: a Pulsar node on this machine."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..text import printable
from . import options
from .output.console import errors, set_up_logging
from .output.wording import Command

if TYPE_CHECKING:
    from ..node import LocalNode, NodeState
    from ..node.software.maven import Progress

app = typer.Typer(
    help="Run a Pulsar node on this machine: no Docker, Java or Maven needed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_NODE = "Node"
Name = Annotated[str, typer.Option(metavar="NAME", rich_help_panel=_NODE, help="Which node; each has its own data.")]
Json = options.JsonOnce


@app.command(cls=Command, epilog="Example: pulsar-cam node start --name lab --port 0")
def start(
    name: Name = "default",
    port: Annotated[
        int, typer.Option(metavar="PORT", rich_help_panel=_NODE, help="For HTTP and WebSocket; 0 takes a free one.")
    ] = 8080,
    broker_port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            rich_help_panel=_NODE,
            help="For Pulsar's own protocol; 0 takes a free one. By default 6650 if free.",
        ),
    ] = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", "-f", rich_help_panel=_NODE, help="Stay until Ctrl-C, then stop it.")
    ] = False,
    as_json: Json = False,
    verbose: options.Verbose = 0,
) -> None:
    """Start a node, and return when it takes frames.

    The first start downloads Pulsar (245 MB) into your cache folder; later ones need no network.
    """
    from ..node import LocalNode

    set_up_logging(verbose)
    with endings_as_ctrl_c():
        node = LocalNode(name)
        found = node.running()
        if not found and not as_json:
            errors.print("starting Pulsar (10 s or more) ...")
        with progress_bar(show=not as_json) as progress:
            started = node.start(port, broker_port, progress=progress)
        _say_started(node, started, already=found is not None, as_json=as_json)
        if foreground and not found:
            _stay(node)


@app.command(cls=Command, epilog="Example: pulsar-cam node stop --name lab")
def stop(name: Name = "default") -> None:
    """Stop a node; its data is kept for the next start."""
    from ..node import LocalNode

    stopped = LocalNode(name).stop()
    typer.echo(f"node '{name}' is stopped" if stopped else f"node '{name}' was not running")


@app.command(cls=Command, epilog="Example: pulsar-cam node status --json")
def status(name: Name = "default", as_json: Json = False) -> None:
    """Show the state of a node; the exit code is 0 when it runs, else 1."""
    from ..node import LocalNode

    now = LocalNode(name).status()
    facts = asdict(now)
    typer.echo(json.dumps(facts) if as_json else "\n".join(_status_lines(facts)))
    raise typer.Exit(0 if now.state == "running" else 1)


@app.command(cls=Command, epilog="Example: pulsar-cam node logs --lines 100 --follow")
def logs(
    name: Name = "default",
    lines: Annotated[
        int,
        typer.Option(
            "--lines",
            "-n",
            min=1,
            metavar="N",
            rich_help_panel=options.OUTPUT,
            help="How many of the last lines to print.",
        ),
    ] = 50,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", rich_help_panel=options.OUTPUT, help="Keep printing new lines, until Ctrl-C."),
    ] = False,
) -> None:
    """Print the end of a node's log."""
    from ..node import LocalNode

    for line in LocalNode(name).log_lines(lines, follow=follow):
        typer.echo(printable(line, 2000))


@contextmanager
def endings_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the command as Ctrl-C does, so that no half-started node is left."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)  # and not an exception: an event loop takes its own way out

    endings = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = [signal.signal(ending, interrupt) for ending in endings]
    try:
        yield
    finally:
        for ending, handler in zip(endings, before, strict=True):
            signal.signal(ending, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no further Ctrl-C or SIGTERM end the command before it has ended its node."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def progress_bar(show: bool) -> Iterator[Progress]:
    """Show a bar from the first bytes of a download on: without a download there is none."""
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = ("downloading Pulsar", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Bar(*columns, console=errors, disable=not show)
    task = bar.add_task("")

    def report(arrived: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=arrived, total=total)
        if arrived >= total:
            bar.stop()

    try:
        yield report
    finally:
        if bar.live.is_started:
            bar.stop()


def _say_started(node: LocalNode, started: NodeState, already: bool, as_json: bool) -> None:
    if as_json:
        urls = {name: getattr(started, name) for name in ("service_url", "ws_url", "admin_url", "broker_url")}
        typer.echo(json.dumps({"name": node.name, "already_running": already, **asdict(started), **urls}))
        return
    from ..node import DEFAULT_PORT

    program = "pulsar-cam" if shutil.which("pulsar-cam") else sys.argv[0]  # such as .venv/bin/pulsar-cam
    url = "" if started.http_port == DEFAULT_PORT else f" --service-url {started.service_url}"
    name = "" if node.name == "default" else f" --name {node.name}"
    typer.echo(
        f"Pulsar {started.version} {'already runs' if already else 'is ready'} at {started.service_url}\n"
        f"  topic:    {program} create-topic{url}\n"
        f"  publish:  {program} publish{url}\n"
        f"  watch:    {program} watch{url}\n"
        f"  stop:     {program} node stop{name}"
    )


def _stay(node: LocalNode) -> None:
    typer.echo("Ctrl-C stops it.")
    try:
        node.wait()
    except KeyboardInterrupt:
        typer.echo("stopping ...")
        with uninterrupted():
            node.stop()


def _status_lines(facts: dict[str, Any]) -> Iterator[str]:
    units = {"disk_bytes": (1 << 20, "MB"), "memory_bytes": (1 << 20, "MB"), "uptime_s": (1, "s")}
    for name, value in facts.items():
        if value is not None:
            divisor, unit = units.get(name, (None, ""))
            shown = f"{value / divisor:.0f} {unit}" if divisor else value
            yield f"{name.removesuffix('_bytes').removesuffix('_s').replace('_', ' '):<12} {shown}"
