"""The options that say where the node is and how to log in: the same for every command that reaches one."""

from __future__ import annotations

import functools
import getpass
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InvalidOption
from ..pulsar.access.credentials import Credentials, Token, TokenFile, checked_token, read_token
from ..pulsar.access.tls import tls_context
from ..pulsar.endpoint import DEFAULT_SERVICE_URL, Endpoint
from .options import CONNECTION

TOKEN_VARIABLE = "PULSAR_CAM_TOKEN"  # noqa: S105 - its name, not its value
PASS_PHRASE_VARIABLE = "PULSAR_CAM_CLIENT_KEY_PASSWORD"  # noqa: S105
_LONGEST_LINE = 10_000


def _option(name: str, metavar: str | None, text: str) -> Any:
    variable = f"PULSAR_CAM_{name[2:].upper().replace('-', '_')}"
    return typer.Option(
        name, metavar=metavar, envvar=variable, show_envvar=False, help=text, rich_help_panel=CONNECTION
    )


def endpoint_of(
    service_url: Annotated[str, _option("--service-url", "URL", "The node's HTTP address.")] = DEFAULT_SERVICE_URL,
    ws_url: Annotated[str | None, _option("--ws-url", "URL", "A WebSocket proxy, if not at the service URL.")] = None,
    admin_url: Annotated[
        str | None, _option("--admin-url", "URL", "The admin API, if not at the service URL.")
    ] = None,
    token_file: Annotated[
        Path | None,
        _option(
            "--token-file",
            "FILE",
            "File with a token, read again for each connection; - asks for it, or reads it from a pipe. "
            f"{TOKEN_VARIABLE} takes the token itself.",
        ),
    ] = None,
    oauth2_file: Annotated[
        Path | None,
        _option(
            "--oauth2-file",
            "FILE",
            "JSON with client_id, client_secret and issuer_url, to fetch tokens with.",
        ),
    ] = None,
    oauth2_audience: Annotated[
        str | None,
        _option("--oauth2-audience", "NAME", "What those tokens are for, if their server asks."),
    ] = None,
    allow_plain_text_token: Annotated[
        bool,
        _option(
            "--allow-plain-text-token",
            None,
            "Send a token without TLS to another machine, too; anyone on the way can read it.",
        ),
    ] = False,
    ca_file: Annotated[
        Path | None,
        _option(
            "--ca-file",
            "FILE",
            "CA certificates (PEM) to trust instead of the system's.",
        ),
    ] = None,
    client_cert: Annotated[
        Path | None,
        _option("--client-cert", "FILE", "Our certificate (PEM), if the node asks for one."),
    ] = None,
    client_key: Annotated[
        Path | None,
        _option(
            "--client-key",
            "FILE",
            "Its key, if not in the same file. The pass phrase of an encrypted one is taken from "
            f"{PASS_PHRASE_VARIABLE}, or asked for.",
        ),
    ] = None,
) -> Endpoint:
    """Return where the node is, and the credentials for it.

    Raises:
        InvalidOption: a URL or a file that cannot be used.
    """
    has_files = ca_file or client_cert or client_key
    return Endpoint.of(
        service_url,
        ws_url=ws_url,
        admin_url=admin_url,
        credentials=_credentials(token_file, oauth2_file, oauth2_audience),
        tls=tls_context(ca_file, client_cert, client_key, _pass_phrase) if has_files else None,
        allow_plain_text_token=allow_plain_text_token,
    )


def reaches_node(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `endpoint_of`, instead of its parameter `endpoint`."""
    options = inspect.signature(endpoint_of, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True).parameters

    @functools.wraps(command)
    def run(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in options}
        command(endpoint=endpoint_of(**chosen), **values)

    merged = [each for name, one in own.items() for each in (options.values() if name == "endpoint" else (one,))]
    by_name = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in merged]
    run.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in merged}
    return run


def _credentials(token_file: Path | None, oauth2_file: Path | None, audience: str | None) -> Credentials | None:
    if oauth2_file:
        if token_file:
            raise InvalidOption("oauth2_file", oauth2_file, "give this or `token_file`, not both")
        from ..pulsar.access.oauth2 import OAuth2

        return OAuth2(oauth2_file, audience)
    if token_file is None:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        return Token(checked_token(token, TOKEN_VARIABLE)) if token else None
    if str(token_file) == "-":
        return Token(checked_token(_secret("token: "), "token_file", "-"))
    token = read_token(token_file)  # what is wrong from the start is wrong usage
    return TokenFile(token_file) if token_file.is_file() else Token(token)  # a pipe can be read once


def _pass_phrase() -> str:
    return os.environ.get(PASS_PHRASE_VARIABLE) or _secret("pass phrase of the key: ")


def _secret(prompt: str) -> str:
    """Ask at the terminal, without echo, or else take a line of standard input."""
    try:
        return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    except (EOFError, ValueError):  # ValueError: not text
        return ""
