"""Pulsar's WebSocket JSON: plain functions between values and text, without sockets.

Formats: "Pulsar WebSocket API" in the Apache Pulsar 4.0 documentation, and what a 4.0.8 node was seen to do.
The properties are this project's own; every one of them is optional to a reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pybase64

from ...errors import BadMessage
from ...frame import Frame, Packet
from ...pictures.jpeg_header import dimensions
from ...text import load_json, printable, reason_of, whole
from .extra import extra_in

CONTENT_TYPE = "image/jpeg"
TOO_LARGE, ENCRYPTED = "too_large", "encrypted"
OTHER_CONTENT_TYPE = "application/octet-stream"
_JPEG_START = b"\xff\xd8"
DEFAULT_TEXT_LIMIT = 1_048_576
"""A node's default for the bytes of one WebSocket text frame (``webSocketMaxTextFrameSize``)."""
DEFAULT_MESSAGE_LIMIT = 5_242_880
"""A node's default for payload and metadata together (``maxMessageSize``)."""
# Twice what a node's largest message (5 MiB, unless set otherwise) becomes in base64. One that arrives takes five
# times its size for a moment, and a viewer has 300 MB for all that it does.
MAX_TEXT_BYTES = 16 * 1024 * 1024

_ENVELOPE_BYTES = 4096  # all that is not payload: well under 1 kB, except for long source names
_LONGEST_LABEL = 200  # characters of a name or a notice
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MESSAGE_ID = re.compile(rb'\{"messageId":"([\w+/=]{1,200})"')
_UP_TO_PAYLOAD = re.compile(_MESSAGE_ID.pattern + rb',"payload":"')
_MOST_CLOCK_ERROR_NS = 366 * 86_400 * 10**9  # a year
_SESSION = re.compile(r"[0-9a-f]{8}", re.ASCII)  # as a Producer makes it
_BROKER_FAILED = "send-error:8"  # 3 and 7 are texts that the WebSocket service does not take
_FAILURE = re.compile(r"\b([A-Z]\w{1,60}): ", re.ASCII)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Pulsar's answer to one published message.

    Attributes:
        context: the text that was sent along with the message.
        message_id: base64, the same for every message of a non-persistent topic; None if refused.
        problem: why the message was refused; None if it was accepted.
        failure: the class of the Java exception behind a refusal, such as ``TimeoutException``; empty where the node
            did not even try.
        sent_at_ns: when the message was sent, Unix time in nanoseconds; None if it was not noted.
        received_at_ns: when the receipt came, by the same clock.
    """

    context: str | None
    message_id: str | None = None
    problem: str | None = None
    failure: str = ""
    sent_at_ns: int | None = None
    received_at_ns: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether Pulsar has the message."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that Pulsar pushed to a consumer.

    Attributes:
        message_id: base64, for the ack.
        payload: the message's bytes, whatever they are.
        properties: text to text, from a stranger.
        published_at_ns: when Pulsar's own client took it, Unix time in nanoseconds.
        received_at_ns: when it arrived here, Unix time in nanoseconds.
        redelivery_count: how often Pulsar has pushed it before.
        unusable: why its payload is of no use: ``too_large``, then it was not read and nearly all is empty, or
            ``encrypted``, as a program that has the key published it; empty for what can be used.
    """

    message_id: str
    payload: bytes
    published_at_ns: int
    received_at_ns: int
    properties: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    redelivery_count: int = 0
    unusable: str = ""


def publish_text(packet: Packet, context: str) -> bytes:
    """Return the JSON text that publishes a packet; `context` comes back in its receipt."""
    return orjson.dumps(
        {
            "payload": pybase64.b64encode_as_string(packet.jpeg),
            "properties": _properties(packet),
            "context": context,
            "key": _label(packet.key or packet.source),
            "eventTime": _iso_time(packet.captured_at_ns),
        }
    )


def max_jpeg_bytes(text_limit: int = DEFAULT_TEXT_LIMIT, message_limit: int = DEFAULT_MESSAGE_LIMIT) -> int:
    """Return how large a JPEG may be for its message to pass both limits of a node, in bytes."""
    return min((text_limit - _ENVELOPE_BYTES) // 4 * 3, message_limit - _ENVELOPE_BYTES)


def parse_receipt(text: str | bytes) -> Receipt:
    """Read Pulsar's answer to a published message.

    Raises:
        BadMessage: not what a Pulsar producer session sends.
    """
    answer = _json_object(text)
    context = _text_or_none(answer, "context")
    result = _text(answer, "result")
    if result == "ok":
        return Receipt(context, message_id=_text(answer, "messageId"))
    message = _text_or_none(answer, "errorMsg") or result
    failure = _FAILURE.search(message) if result == _BROKER_FAILED else None
    return Receipt(context, problem=reason_of(message), failure=failure.group(1) if failure else "")


def parse_delivery(text: str | bytes, received_at_ns: int) -> Delivery:
    """Read a message that Pulsar pushed.

    Raises:
        BadMessage: not what a Pulsar consumer session sends.
    """
    payload, rest = _split(text)
    message = _json_object(rest)
    return Delivery(
        message_id=_text(message, "messageId"),
        payload=_base64(payload or _text(message, "payload")),
        published_at_ns=_unix_ns(_text(message, "publishTime")),
        received_at_ns=received_at_ns,
        properties=_text_map(message.get("properties") or {}),
        key=_text_or_none(message, "key"),
        redelivery_count=whole(message.get("redeliveryCount")) or 0,
        unusable=ENCRYPTED if message.get("encryptionContext") else "",
    )


def cut_delivery(text: bytes, received_at_ns: int) -> Delivery | None:
    """Return the delivery of which only the beginning was read, because it is too large; None for a whole text."""
    message_id = _MESSAGE_ID.match(text)
    if not message_id or text.endswith(b"}"):
        return None
    return Delivery(message_id.group(1).decode(), b"", received_at_ns, received_at_ns, unusable=TOO_LARGE)


def _split(text: str | bytes) -> tuple[memoryview, str | bytes]:
    """Return the payload in base64, and the text without it; nothing and the text, if it is not in Pulsar's form.

    JSON would first make a text of the payload, which takes five times as long as to decode its base64.
    """
    start = _UP_TO_PAYLOAD.match(text) if isinstance(text, bytes) else None
    if not start or not isinstance(text, bytes):
        return memoryview(b""), text
    end = text.find(b'"', start.end())
    return memoryview(text)[start.end() : end], text[: start.end()] + text[end:]


def ack_text(delivery: Delivery | Packet | Frame) -> str:
    """Return the JSON text that acknowledges a delivery, or the one that a packet came in."""
    return orjson.dumps({"messageId": delivery.message_id}).decode()


def nack_text(delivery: Delivery | Packet | Frame) -> str:
    """Return the JSON text that has a delivery come again."""
    return orjson.dumps({"type": "negativeAcknowledge", "messageId": delivery.message_id}).decode()


def permit_text(messages: int) -> str:
    """Return the JSON text that asks for this number of messages, in pull mode."""
    return orjson.dumps({"type": "permit", "permitMessages": messages}).decode()


def ack_of_unreadable(text: bytes) -> bytes | None:
    """Return the JSON text that acknowledges what `parse_delivery` refused; None if it does not begin as Pulsar's do.

    Anybody can publish a message with properties that are too many to read; a viewer must not wait for it for ever.
    """
    message_id = _MESSAGE_ID.match(text)
    return message_id.group() + b"}" if message_id else None


def packet_of(delivery: Delivery) -> Packet:
    """Return the packet in a delivery; one without our properties counts its age from the publish time.

    Raises:
        DecodeError: the payload is not a JPEG, or one too large to be safe.
    """
    width, height = dimensions(delivery.payload)
    properties = delivery.properties
    captured_at_ns = _time_near(delivery.published_at_ns, properties.get("captured-at-ns"))
    return Packet(
        jpeg=delivery.payload,
        width=width,
        height=height,
        captured_at_ns=delivery.published_at_ns if captured_at_ns is None else captured_at_ns,
        source=_label(properties.get("source") or delivery.key or ""),
        session=_session_in(properties),
        sequence=whole(properties.get("sequence")),
        quality=whole(properties.get("quality"), 100),
        encoded_at_ns=_time_near(delivery.published_at_ns, properties.get("encoded-at-ns")),
        sent_at_ns=_time_near(delivery.published_at_ns, properties.get("sent-at-ns")),
        receipt_ns=whole(properties.get("round-trip-ns")),
        notice=_label(properties.get("notice", "")),
        delivered_at_ns=delivery.received_at_ns,
        message_id=delivery.message_id,
        key=_label(delivery.key or ""),
        published_at_ns=delivery.published_at_ns,
        extra=extra_in(properties, _OUR_NAMES),
    )


def _time_near(published_at_ns: int, text: str | None) -> int | None:
    """Return a publisher's clock reading; None where no clock that runs, however wrong, can have shown it then."""
    at_ns = whole(text)
    return at_ns if at_ns is not None and abs(at_ns - published_at_ns) <= _MOST_CLOCK_ERROR_NS else None


def _session_in(properties: Mapping[str, str]) -> str | None:
    session = properties.get("session", "")
    return session if "source" in properties and _SESSION.fullmatch(session) else None


def _properties(packet: Packet) -> dict[str, str]:
    theirs = {name: text for name, text in packet.extra.items() if name not in _OUR_NAMES}
    # Pulsar closes the session on a null.
    return theirs | {name: str(value) for name, value in _our_values(packet).items() if value is not None}


def _our_values(packet: Packet) -> dict[str, str | int | None]:
    return {
        "content-type": CONTENT_TYPE if packet.jpeg.startswith(_JPEG_START) else OTHER_CONTENT_TYPE,
        "source": _label(packet.source),
        "session": packet.session,
        "sequence": packet.sequence,
        "width": packet.width,
        "height": packet.height,
        "quality": packet.quality,
        "captured-at-ns": packet.captured_at_ns,
        "encoded-at-ns": packet.encoded_at_ns,
        "sent-at-ns": packet.sent_at_ns,
        "round-trip-ns": packet.receipt_ns,
        "notice": _label(packet.notice) or None,
    }


def _label(text: str) -> str:
    return printable(text, _LONGEST_LABEL)


def _iso_time(unix_ns: int) -> str:
    return (_EPOCH + timedelta(microseconds=unix_ns // 1000)).isoformat(timespec="milliseconds")


def _unix_ns(iso_time: str) -> int:
    try:
        return (datetime.fromisoformat(iso_time) - _EPOCH) // timedelta(microseconds=1) * 1000
    except (TypeError, ValueError, OverflowError) as error:  # no offset, no date, or one before year 1
        raise BadMessage("a publish time that is not a time") from error


def _json_object(text: str | bytes) -> dict[str, Any]:
    try:
        value = load_json(text)
    except ValueError as error:
        raise BadMessage("text that is not JSON, or far too much of it") from error
    if not isinstance(value, dict):
        raise BadMessage("JSON that is not an object")
    return value


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise BadMessage(f"a message without {name}")
    return value


def _text_or_none(message: Mapping[str, Any], name: str) -> str | None:
    value = message.get(name)
    return value if isinstance(value, str) else None


def _text_map(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BadMessage("properties that are not an object")
    return {name: text for name, text in value.items() if isinstance(text, str)}


def _base64(text: str | memoryview) -> bytes:
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error is one; so is a non-ASCII character
        raise BadMessage("a payload that is not base64") from error


_OUR_NAMES = frozenset(_our_values(Packet(b"", 0, 0, captured_at_ns=0)))
