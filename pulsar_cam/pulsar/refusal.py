"""Pulsar's HTTP refusals of a WebSocket session, as our errors.

Pulsar answers a refused handshake with an HTML page; its table cell MESSAGE holds the reason, and often a JSON
object with ``errorMsg`` inside (seen on a 4.0.8 node).
"""

from __future__ import annotations

import html
import re

import orjson

from ..errors import (
    NameInUse,
    NamespaceNotFound,
    NodeUnreachable,
    NotAuthenticated,
    NotAuthorized,
    PulsarError,
    RequestRejected,
    TopicNotFound,
)
from ..text import reason_of
from .causes import cause_of
from .target import Target

_CELL_START, _CELL_END = "<th>MESSAGE:</th><td>", "</td>"
_API = "WebSocket API"
_LONGEST_CELL = 4000  # also the most digits that Python takes for a number in a character reference
# How Pulsar begins its reason; its page for a path that it does not serve has no such words.
_SESSION_REFUSED = b"Failed to create"
_NAME_IN_USE = re.compile("already connected|of different type|already created", re.I)
STRANGERS = (403, 404, 405, 501)
"""With these, and with what is not a refusal at all, only strangers answer without a reason of Pulsar's."""

NO_NODE = "check `service_url`"
"""What to do where something else than a Pulsar node answers."""


def refusal(status: int, body: bytes, target: Target) -> PulsarError:
    """Return the error that says why Pulsar answered a handshake with this HTTP status and page."""
    reason, is_pulsars = reason_in(body), _SESSION_REFUSED in body
    if status < 400 or (status in STRANGERS and not (reason or is_pulsars)):
        return stranger(target.node, _API, status)
    if status == 401:
        return NotAuthenticated(target.node)
    if status == 403:
        return NotAuthorized(target.action, target.permission)
    if is_pulsars and (missing := _missing(status, reason, target)):
        return missing
    if status == 404:
        return stranger(target.node, _API, status)
    if status == 409 and (_NAME_IN_USE.search(reason) or not reason):
        return NameInUse(target.name, reason or "no reason given")
    if known := cause_of(status, reason, target.action, target.topic, target.name):
        return known
    busy = True if status == 409 else None  # with this status Pulsar says that something is busy, which passes
    return RequestRejected(target.action, status, reason or "no reason given", transient=busy)


def _missing(status: int, reason: str, target: Target) -> PulsarError | None:
    """Return the error where there is no such topic or namespace; a reader is refused with 500 then, and no words."""
    if "Namespace not found" in reason:
        return NamespaceNotFound(f"{target.topic.tenant}/{target.topic.namespace}")
    if status != 404 and (status != 500 or reason):
        return None
    if len(target.topics) > 1:
        return RequestRejected(target.action, status, "one of them does not exist", "create what is missing", True)
    return TopicNotFound(str(target.topic))


def stranger(url: str, api: str, status: int) -> NodeUnreachable:
    """Return the error for an HTTP answer that is none of this API of Pulsar's."""
    if 300 <= status < 400:
        problem = f"it redirects to another address, which is not followed: HTTP {status}"
        return NodeUnreachable(url, problem, "give the address to which it redirects")
    remedy = f"{NO_NODE}; on a Pulsar of your own, set webSocketServiceEnabled=true" if api == _API else NO_NODE
    return NodeUnreachable(url, f"something answers there, but not Pulsar's {api}: HTTP {status}", remedy)


def reason_in(body: bytes) -> str:
    """Return Pulsar's reason from the page of a refused handshake, as one printable line; empty if there is none."""
    cell = body.decode("latin-1").partition(_CELL_START)[2].partition(_CELL_END)[0]
    message = html.unescape(cell[:_LONGEST_CELL])
    start = message.find("{")
    if start >= 0:
        message = _error_message(message[start:], default=message[:start])
    return reason_of(message)


def _error_message(text: str, default: str) -> str:
    try:
        detail = orjson.loads(text)
    except orjson.JSONDecodeError:
        return default
    message = detail.get("errorMsg") if isinstance(detail, dict) else None
    return message if isinstance(message, str) else default
