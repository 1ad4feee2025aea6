"""Options that several commands share."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ..errors import InvalidOption

TopicName = Annotated[
    str,
    typer.Option(
        "--topic",
        "-t",
        envvar="PULSAR_CAM_TOPIC",
        help="NAME or TENANT/NAMESPACE/NAME; non-persistent://TENANT/... keeps nothing.",
    ),
]
Frames = Annotated[int | None, typer.Option("--frames", "-n", help="End after so many frames.")]
Duration = Annotated[float | None, typer.Option("--duration", help="End after so many seconds.")]
ShowStages = Annotated[
    bool,
    typer.Option("--stats", help="Show where the time of the frames goes, all along: p50/p95/p99 of each stage."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines: one each second, one at the end.")]
Verbose = Annotated[
    int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Say what is going on; -vv says more.")
]

MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port",
        min=0,
        max=65535,
        envvar="PULSAR_CAM_METRICS_PORT",
        help="Serve Prometheus metrics, /healthz and /readyz at this port; 0 takes a free one and says which.",
    ),
]
MetricsHost = Annotated[
    str,
    typer.Option(
        "--metrics-host",
        envvar="PULSAR_CAM_METRICS_HOST",
        help="Where to listen for that. Nobody is asked who they are.",
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
