"""The one border where the errors of ``websockets`` and of sockets become ours: open a session, and end it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Iterator
from typing import cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import InvalidProxy, InvalidStatus, WebSocketException

from ...errors import PROXY_UNUSABLE, NodeUnreachable, NotAuthenticated
from ...text import printable, reason_of
from ..access.credentials import headers_of, refused
from ..access.tls import is_loopback, is_secure, no_http, tls_failure
from ..endpoint import Endpoint
from ..messages.wire import MAX_TEXT_BYTES
from ..refusal import refusal
from ..target import Target
from .cut import CutConnection

# Below this level, websockets logs every header, and with it the token.
_websockets_logger = logging.getLogger("websockets.client.pulsar_cam")
_websockets_logger.setLevel(logging.INFO)

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 0.5
# A peer that vanished silently is noticed within 20 s.
PING_INTERVAL_S = 5.0
PING_TIMEOUT_S = 15.0


async def end(websocket: ClientConnection, patience_s: float) -> None:
    """Close a session with a close frame, or without one if the node does not take it within `patience_s`."""
    # In a task of its own: in one that was cancelled, the time-outs of Python before 3.11.4 do not work.
    closing = asyncio.create_task(websocket.close())
    try:
        await asyncio.wait([closing], timeout=patience_s)
    finally:
        if not closing.done():  # its close frame waits behind what a stuck network does not take, or we may not wait
            websocket.transport.abort()
    await asyncio.wait([closing], timeout=CLOSE_TIMEOUT_S)


class _ConnectHere(ws_connect):
    """Takes no redirection: it could lead a token elsewhere, or out of TLS."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def connect(target: Target, endpoint: Endpoint) -> CutConnection:
    """Open a session.

    Raises:
        PulsarError: the node cannot be reached, or refuses.
    """
    headers = await headers_of(endpoint.credentials)
    try:
        with our_errors(target):
            websocket = await _ConnectHere(
                target.url,
                additional_headers=headers,
                ssl=endpoint.tls if is_secure(target.url) else None,
                proxy=None if is_loopback(target.url) else True,
                compression=None,  # a JPEG in base64 does not get smaller, only slower
                max_size=MAX_TEXT_BYTES,
                create_connection=CutConnection,
                max_queue=1,  # with the largest messages, more would take too much memory
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                ping_interval=PING_INTERVAL_S,
                ping_timeout=PING_TIMEOUT_S,
                logger=_websockets_logger,
            )
            return cast(CutConnection, websocket)
    except NotAuthenticated as error:
        raise refused(error.url, endpoint.credentials, headers) from error


@contextlib.contextmanager
def our_errors(target: Target) -> Iterator[None]:
    """Raise what `websockets` and sockets raise while a session opens as an error of ours."""
    try:
        yield
    except InvalidStatus as error:
        raise refusal(error.response.status_code, bytes(error.response.body or b""), target) from error
    except TimeoutError as error:
        # Pulsar keeps a handshake for 50 s where a backlog has to shrink first, or messages have to be encrypted.
        raise NodeUnreachable(
            target.node,
            f"no answer within {OPEN_TIMEOUT_S:.0f} s",
            "check `service_url`; a node that answers for other topics holds this one back: its backlog is full, or "
            "its messages have to be encrypted",
        ) from error
    except ssl.SSLError as error:
        raise tls_failure(target.node, error) from error
    except OSError as error:
        raise NodeUnreachable(target.node, _os_reason(error)) from error
    except (InvalidProxy, ImportError) as error:  # ImportError: SOCKS needs a package of its own
        raise NodeUnreachable(target.node, *PROXY_UNUSABLE) from error
    except (WebSocketException, ValueError) as error:
        reason = f"what answers there is no WebSocket server: {printable(str(error))}"
        raise no_http(target.node, reason) from error


def _os_reason(error: OSError) -> str:
    # A name with several addresses fails with one OSError about all of them, without an errno.
    refused = isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error)
    return "connection refused" if refused else error.strerror or str(error) or "the connection was closed"


def close_reason(websocket: ClientConnection) -> str:
    """Return why a session is closed, in a few words for a person."""
    code, reason = websocket.close_code, websocket.close_reason
    if code == 1006:
        return "no close frame: the node died, or the network did"
    if code in (None, 1000, 1001, 1005) and not reason:
        return "closed by the node: it is stopping, or being restarted"
    return f"code {code}: {reason_of(reason or 'no reason given')}"
