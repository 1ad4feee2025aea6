"""``pulsar-cam report``: recorded JSON lines as one page with plots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import OUTPUT
from .output.console import errors, set_up_logging

EXAMPLES = """
Examples:\n
  pulsar-cam watch --headless --json > watch.jsonl\n
  pulsar-cam report watch.jsonl\n
  pulsar-cam report publish.jsonl watch.jsonl monitor.jsonl --output night.html\n
  ssh camera-host cat publish.jsonl | pulsar-cam report - watch.jsonl
"""


def report(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="What publish, watch, demo or monitor wrote with --json. - is standard input."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The page; an existing one is replaced.", rich_help_panel=OUTPUT
        ),
    ] = Path("report.html"),
) -> None:
    """Make one HTML page of recorded JSON lines: fps, age, drops, latency and states over time.

    The page is one file that needs no network and no script. Several files share one time axis.
    """
    set_up_logging(0)
    from ..report import make_report

    recordings = make_report(files, output)
    for recording in recordings:
        for problem in recording.problems:
            errors.print(f"{recording.name}: {problem}")
    lines = sum(recording.lines for recording in recordings)
    typer.echo(f"{output}: {lines} lines, {output.stat().st_size / 1000:.0f} kB")
