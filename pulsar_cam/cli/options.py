"""Options that several commands share."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ..errors import InvalidOption

# The groups of options in --help, the same for all commands, and in this order.
SOURCE, PICTURE, STREAM, STOP, OUTPUT = "Source", "Picture", "Stream", "When to stop", "Output"
CONNECTION = "Connection (or environment variables, such as PULSAR_CAM_SERVICE_URL)"
METRICS = "Metrics (or PULSAR_CAM_METRICS_PORT and PULSAR_CAM_METRICS_HOST)"

TopicName = Annotated[
    str,
    typer.Option(
        "--topic",
        "-t",
        metavar="TOPIC",
        envvar="PULSAR_CAM_TOPIC",
        help="NAME or TENANT/NAMESPACE/NAME; non-persistent://... keeps nothing.",
        rich_help_panel=STREAM,
    ),
]
Frames = Annotated[
    int | None,
    typer.Option("--frames", "-n", metavar="N", help="End after this many frames.", rich_help_panel=STOP),
]
Duration = Annotated[
    float | None,
    typer.Option("--duration", metavar="SECONDS", help="End after this many seconds.", rich_help_panel=STOP),
]
ShowStages = Annotated[
    bool,
    typer.Option(
        "--stats", help="Show how long each stage takes while it runs: p50/p95/p99.", rich_help_panel=OUTPUT
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print JSON lines: one each second, one at the end.", rich_help_panel=OUTPUT),
]
JsonOnce = Annotated[bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel=OUTPUT)]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Log what is going on; -vv logs more.",
        rich_help_panel=OUTPUT,
    ),
]

MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port",
        min=0,
        max=65535,
        metavar="PORT",
        envvar="PULSAR_CAM_METRICS_PORT",
        show_envvar=False,
        help="Serve Prometheus metrics, /healthz and /readyz; 0 takes a free port and prints it.",
        rich_help_panel=METRICS,
    ),
]
MetricsHost = Annotated[
    str,
    typer.Option(
        "--metrics-host",
        metavar="HOST",
        envvar="PULSAR_CAM_METRICS_HOST",
        show_envvar=False,
        help="Address to listen on. There is no authentication.",
        rich_help_panel=METRICS,
    ),
]
METRICS_HOST = "127.0.0.1"


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Read ``1280x720`` as (width, height) in pixels.

    Raises:
        InvalidOption: text of another form.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text, re.ASCII)
    if not match:
        raise InvalidOption("size", ascii(text), "expected WIDTHxHEIGHT, such as 1280x720")
    return int(match.group(1)), int(match.group(2))
