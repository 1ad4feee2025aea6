"""``pulsar-cam doctor``: what keeps a stream from working here, and what to change."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import DEFAULT_TOPIC, Topic
from ..runtime.background import Background
from . import options
from .access import reaches_node
from .output.console import print_json, set_up_logging, stoppable
from .output.wording import with_options

if TYPE_CHECKING:
    from ..doctor import Finding

EXAMPLES = """
Examples:\n
  pulsar-cam doctor\n
  pulsar-cam doctor --device 0 --topic front-door\n
  pulsar-cam doctor --service-url http://camera-host:8080\n
  pulsar-cam doctor --json
"""

_STYLES = {"ok": "green", "warning": "yellow", "problem": "red", "skipped": "dim"}


@reaches_node
def doctor(
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            metavar="CAMERA",
            help="Camera that has to work, by number or path. Without it, the first one is tried.",
            rich_help_panel=options.SOURCE,
        ),
    ] = None,
    topic: options.TopicName = DEFAULT_TOPIC,
    *,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object for each check.", rich_help_panel=options.OUTPUT),
    ] = False,
    verbose: options.Verbose = 0,
    endpoint: Endpoint,
) -> None:
    """Check camera, display, packages, node, topic and clock, and say what to change.

    Each line is ok, a warning (works, with limits), a problem, or skipped (could not be found out).
    The exit code is 1 if there is a problem, else 0.
    """
    set_up_logging(verbose)
    full_topic = Topic.parse(topic)
    states: list[str] = []
    with stoppable() as stop, Background(_examine(endpoint, full_topic, device, as_json, states)) as examination:
        while examination.is_running and not stop.wait(0.05):
            pass
    if stop.is_set():
        raise typer.Exit(130)
    if not as_json:
        typer.echo(f"{_count(states, 'problem')}, {_count(states, 'warning')}")
    if "problem" in states:
        raise typer.Exit(1)


async def _examine(endpoint: Endpoint, topic: Topic, device: str | None, as_json: bool, states: list[str]) -> None:
    from ..doctor import diagnose

    console = Console(highlight=False)
    async for finding in diagnose(endpoint, topic, device):
        if as_json:
            print_json(asdict(finding))
        elif console.is_terminal:
            console.print(_colourful(finding))
        else:
            typer.echo(_plain(finding))
        states.append(finding.state)


def _plain(finding: Finding) -> str:
    change = f" -> {finding.change}" if finding.change else ""
    return with_options(f"{finding.state:<9}{finding.check:<14}{finding.says}{change}")


def _colourful(finding: Finding) -> Table:
    line = Table.grid(padding=(0, 1))
    line.add_column(width=8)
    line.add_column(width=13)
    line.add_column()
    line.add_row(
        Text(finding.state, style=_STYLES[finding.state]), Text(finding.check), Text(with_options(finding.says))
    )
    if finding.change:
        line.add_row("", "", Text(with_options(f"-> {finding.change}"), style="bold"))
    return line


def _count(states: list[str], state: str) -> str:
    number = states.count(state)
    return f"{number or 'no'} {state}{'' if number == 1 else 's'}"
