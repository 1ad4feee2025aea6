"""Reading a topic from a place in it, without a subscription: the node keeps nothing for a reader."""

from __future__ import annotations

import base64
import logging
import math
from datetime import datetime

from ...errors import InvalidOption, PulsarError
from ..admin.admin import Admin
from ..endpoint import Endpoint
from ..messages.wire import Delivery, ack_text
from ..target import Target
from ..topics import Topic
from .receiving import Receiving

logger = logging.getLogger(__name__)

_FIRST_FIELD = b"\x08"
_LONGEST_ID = 200
_FIND_TIMEOUT_S = 2.0


class Reader(Receiving):
    """A reader session that opens again whenever it closes, behind the last message that it yielded.

    Use it as an async context manager and iterator; Pulsar sends `receiver_queue` messages ahead at most::

        async with Reader(Endpoint.of(), Topic.parse("video-stream"), "earliest") as reader:
            async for delivery in reader:
                ...

    It reads what the topic still has: that is up to its retention, and to the slowest subscription. Before its first
    message, and on a non-persistent topic, which keeps nothing, it goes on after a reconnection with what is
    published from then on. A partitioned topic has no one place to go on from: read its partitions, such as
    ``NAME-partition-0``, each with a reader.

    Args:
        start: ``latest`` for what is published from now on, ``earliest`` for all that there is, a message id for what
            comes behind that message, or a time with its zone for what was published from then on. A time is looked
            up with the admin API; where that does not answer, all that came before is read and skipped.
        fits_queue: measure the link first, and fit `receiver_queue` to it.
        log: where interruptions of the session are logged; by default, where `Connection` logs.

    Raises:
        InvalidOption: `start` is none of these.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        topic: Topic,
        start: str | datetime = "latest",
        *,
        fits_queue: bool = True,
        log: logging.Logger | None = None,
    ) -> None:
        self._topic = topic
        self._since_ms = 0
        self._position = _checked_position(start) if isinstance(start, str) else "earliest"
        if isinstance(start, datetime):
            self._since_ms = _unix_ms(start)
        super().__init__(endpoint, fits_queue=fits_queue, log=log)

    def _target(self) -> Target:
        return Target(
            url=self._endpoint.reader_url(
                self._topic, messageId=self._position, receiverQueueSize=self.receiver_queue
            ),
            node=self._endpoint.ws_url,
            action=f"read {self._topic}",
            topics=(self._topic,),
            permission="consume",
            name=f"a reader of {self._topic}",
        )

    async def open(self) -> None:
        """Find where to start, and open the session.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        if self._since_ms and self._topic.is_persistent:
            await self._find_position()
        await super().open()

    async def _find_position(self) -> None:
        try:
            async with Admin(self._endpoint, _FIND_TIMEOUT_S) as admin:
                ledger, entry = await admin.position_at(self._topic, self._since_ms)
        except PulsarError as error:
            logger.info("all of %s is read, and skipped up to the time to start from: %s", self._topic, error)
            return
        self._position = message_id_of(ledger, entry - 1)  # it starts behind what it is given
        self._connection.target = self._target()

    def _wants(self, delivery: Delivery) -> bool:
        if self._topic.is_persistent:  # else all ids are the same
            self._position = delivery.message_id
        return delivery.published_at_ns >= self._since_ms * 1_000_000

    async def _end(self, delivery: Delivery) -> None:
        await self._say(ack_text(delivery))  # which stores nothing, and has Pulsar send one message more


def _checked_position(start: str) -> str:
    if start in ("latest", "earliest"):
        return start
    try:
        is_id = base64.b64decode(start, validate=True)[:1] == _FIRST_FIELD and len(start) <= _LONGEST_ID
    except ValueError:
        is_id = False
    if not is_id:
        raise InvalidOption("start", ascii(start), "expected `latest`, `earliest`, a message id or a time")
    return start


def _unix_ms(start: datetime) -> int:
    """Return a time in whole milliseconds, as Pulsar counts publish times; what is before 1970 is 1970."""
    if start.tzinfo is None:
        raise InvalidOption("start", start, "a time needs its zone, such as `datetime.now(UTC)`")
    return max(1, math.floor(start.timestamp() * 1000))


def message_id_of(ledger: int, entry: int) -> str:
    """Return the id of a message by where it is stored, as Pulsar's WebSocket API writes it.

    Format: base64 of the protobuf message ``MessageIdData`` of ``PulsarApi.proto`` in Apache Pulsar 4.0, with field 1
    for the ledger and field 2 for the entry, -1 for the place before the first one.
    """
    return base64.b64encode(_FIRST_FIELD + _varint(ledger) + b"\x10" + _varint(entry)).decode()


def _varint(number: int) -> bytes:
    rest, encoded = number % 2**64, bytearray()
    while rest > 127:
        encoded.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*encoded, rest])
