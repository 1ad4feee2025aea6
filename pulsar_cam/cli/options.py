"""Options that several commands share."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InvalidOption
from ..topics import Endpoint

TOKEN_VARIABLE = "PULSAR_CAM_TOKEN"  # noqa: S105 - its name, not its value

ServiceUrl = Annotated[
    str,
    typer.Option("--service-url", envvar="PULSAR_CAM_SERVICE_URL", help="The node's HTTP address."),
]
WsUrl = Annotated[
    str | None,
    typer.Option("--ws-url", envvar="PULSAR_CAM_WS_URL", help="A WebSocket proxy, if not at the service URL."),
]
AdminUrl = Annotated[
    str | None,
    typer.Option("--admin-url", envvar="PULSAR_CAM_ADMIN_URL", help="The admin API, if not at the service URL."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="PULSAR_CAM_TOKEN_FILE",
        help=f"File with a token for the node. Environment variable {TOKEN_VARIABLE} takes the token itself.",
    ),
]
TopicName = Annotated[
    str,
    typer.Option(
        "--topic", "-t", envvar="PULSAR_CAM_TOPIC", help="A short name, or persistent://TENANT/NAMESPACE/NAME."
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


def endpoint_of(service_url: str, ws_url: str | None, admin_url: str | None, token_file: Path | None) -> Endpoint:
    """Return where the node is, with the token from the file or the environment.

    Raises:
        InvalidOption: a URL or a token file that cannot be used.
    """
    return Endpoint.of(service_url, ws_url=ws_url, admin_url=admin_url, token=_token(token_file))


def _token(path: Path | None) -> str | None:
    if path is None:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        return _checked(token, TOKEN_VARIABLE, "(hidden)") if token else None
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise InvalidOption("--token-file", path, f"cannot be read: {reason}") from error
    return _checked(token, "--token-file", path)


def _checked(token: str, option: str, shown: object) -> str:
    # It goes into an HTTP header: RFC 6750, section 2.1, has the characters.
    if not re.fullmatch(r"[\w.~+/=-]+", token, re.ASCII):
        raise InvalidOption(option, shown, "holds no token")
    return token


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Read ``1280x720`` as (width, height) in pixels.

    Raises:
        InvalidOption: text of another form.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text, re.ASCII)
    if not match:
        raise InvalidOption("--size", ascii(text), "expected WIDTHxHEIGHT, such as 1280x720")
    return int(match.group(1)), int(match.group(2))
