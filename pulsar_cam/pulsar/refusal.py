"""Pulsar's HTTP refusals of a WebSocket session, told in our errors.

Pulsar answers a refused handshake with an HTML page; its table cell MESSAGE holds the reason, and often a JSON
object with ``errorMsg`` inside (seen on a 4.0.8 node).
"""

from __future__ import annotations

import html

import orjson

from ..errors import (
    BacklogFull,
    NameInUse,
    NamespaceNotFound,
    NodeUnreachable,
    NotAuthenticated,
    NotAuthorized,
    PulsarError,
    RequestRejected,
    TopicNotFound,
    TopicTerminated,
)
from ..text import reason_of
from .target import Target

_CELL_START, _CELL_END = "<th>MESSAGE:</th><td>", "</td>"
_LONGEST_CELL = 4000  # also the most digits that Python takes for a number in a character reference
# How Pulsar begins its reason; its page for a path that it does not serve has no such words.
_SESSION_REFUSED = b"Failed to create"
STRANGERS = (403, 404, 405, 501)
"""With these, and with what is not a refusal at all, only strangers answer without a reason of Pulsar's."""


def refusal(status: int, body: bytes, target: Target) -> PulsarError:
    """Return the error that tells why Pulsar answered a handshake with this HTTP status and page."""
    reason = reason_in(body)
    is_pulsars = bool(reason) or _SESSION_REFUSED in body
    if status < 400 or (status in STRANGERS and not is_pulsars):
        return stranger(target.node, "WebSocket API", status)
    if status == 401:
        return NotAuthenticated(target.node)
    if status == 403:
        return NotAuthorized(target.action, target.permission)
    if status == 404:
        return _not_found(reason, _SESSION_REFUSED in body, target)
    if status == 409:
        return NameInUse(target.name, reason or "no reason given")
    if status == 503 and "terminated" in reason.lower():
        return TopicTerminated(str(target.topic))
    if status == 503 and "quota" in reason:
        return BacklogFull(str(target.topic), reason)
    return RequestRejected(target.action, status, reason or "no reason given")


def _not_found(reason: str, is_pulsars: bool, target: Target) -> PulsarError:
    topic = target.topic
    if "Namespace not found" in reason:
        return NamespaceNotFound(f"{topic.tenant}/{topic.namespace}")
    if is_pulsars:
        return TopicNotFound(str(topic))
    return stranger(target.node, "WebSocket API", 404)


def stranger(url: str, api: str, status: int) -> NodeUnreachable:
    """Return the error for an HTTP answer that is none of this API of Pulsar's."""
    if 300 <= status < 400:
        return NodeUnreachable(url, f"it redirects to another address, which is not followed: HTTP {status}")
    return NodeUnreachable(url, f"something answers there, but not Pulsar's {api}: HTTP {status}")


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
