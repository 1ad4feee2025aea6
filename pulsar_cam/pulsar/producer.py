"""Publishing packets to one topic."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import time
from collections import deque
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from ..errors import BadMessage, ConnectionLost, MessageRejected, TopicTerminated
from ..frame import Packet
from ..measure.rates import Rate
from .connection import Connection
from .endpoint import Endpoint
from .in_flight import LEAST_IN_FLIGHT, in_flight_on
from .target import Target
from .topics import Topic
from .wire import Receipt, parse_receipt, publish_text

logger = logging.getLogger(__name__)

DISCONNECTED = "disconnected"
_DRAIN_ON_CLOSE_S = 0.7
_MOST_RECEIPT_TIMES = 256
_FIT_WINDOW_EVERY_S = 0.5
# The node itself gives up on a message after 30 s and says so; one that says nothing has lost it.
_NO_RECEIPT_S = 40.0
_LATE_RECEIPT_S = 2.0
_LOOK_EVERY_S = 2.0
_REFUSAL_PAUSE_S = 1.0
_TERMINATED = "TopicTerminatedException"
# What no second try can change; anything else that the broker says may pass.
_FINAL_FAILURES = ("", "InvalidMessageException", "NotAllowedException", "AuthorizationException")


@dataclass(slots=True)
class _Message:
    """A message in flight; how long it has been there is not asked of the wall clock, which can be set meanwhile."""

    packet: Packet
    receipt: asyncio.Future[Receipt]
    sent_at_ns: int = 0
    _sent_at_s: float = 0.0

    def stamp(self) -> None:
        """Note that it is sent now."""
        self.sent_at_ns, self._sent_at_s = time.time_ns(), time.monotonic()

    @property
    def waits_s(self) -> float:
        """How long ago that was, in seconds."""
        return time.monotonic() - self._sent_at_s


class Producer:
    """A producer session that opens again whenever it closes.

    Use it as an async context manager::

        async with Producer(Endpoint.of(), Topic.parse("video-stream")) as producer:
            receipt = await (await producer.send(packet))

    A message whose session ends before its receipt came gets a receipt with the problem DISCONNECTED: Pulsar may
    have it or not. With `resend`, such messages are sent again on the next session, before all others and in their
    order, until Pulsar has acknowledged each; Pulsar stores none twice if it deduplicates the topic.

    Args:
        log: where interruptions of the session are logged; by default, where `Connection` logs.

    Attributes:
        session: random text, new for every Producer; it marks the packets of one run.
        text_limit: the longest text frame that the node takes, in bytes, once it closed a session for one too long.
        bad_messages: how many texts were not what Pulsar sends.
        receipts: how many messages were acknowledged.
        window: how many messages may wait for their receipt: 4, or more on a link with a long round trip. Pulsar
            itself would take any number, and pictures would get old.
    """

    def __init__(
        self, endpoint: Endpoint, topic: Topic, *, resend: bool = False, log: logging.Logger | None = None
    ) -> None:
        self.session = secrets.token_hex(4)
        self.text_limit: int | None = None
        self.bad_messages = 0
        self.receipts = 0
        self.window = LEAST_IN_FLIGHT
        self._endpoint, self._topic, self._resends = endpoint, topic, resend
        self._name, self._names = f"pulsar-cam-{self.session}", 1
        self._sent = 0
        self._in_flight: dict[str, _Message] = {}
        self._connection = Connection(self._target(), endpoint, self._target_of_another_name, log)
        self._window_fits_until_s = 0.0
        self._sends = Rate()
        self._receipt_times_ns: deque[int] = deque(maxlen=_MOST_RECEIPT_TIMES)
        self._has_room = asyncio.Event()
        self._websocket: ClientConnection | None = None
        self._is_sending = False
        self._refusal: Receipt | None = None
        self._refused_at_s = 0.0
        self._is_late = False
        self._receiving: asyncio.Task[None] | None = None

    def _target(self) -> Target:
        parameters: dict[str, str | int] = {"producerName": self._name}
        if self._resends:
            # Pulsar numbers the messages of a session from here on; by name and number it knows what it has already.
            parameters["initialSequenceId"] = next(iter(self._in_flight), self._sent)
        return Target(
            url=self._endpoint.producer_url(self._topic, **parameters),
            node=self._endpoint.ws_url,
            action=f"publish to {self._topic}",
            topic=self._topic,
            permission="produce",
            name=f"producer name {self._name!r}",
        )

    def _target_of_another_name(self) -> Target:
        self._names += 1
        self._name = f"pulsar-cam-{self.session}-{self._names}"
        return self._target()

    async def __aenter__(self) -> Self:
        """Open the session.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        await self._connection.open()
        self._receiving = asyncio.create_task(self._receive())
        # Whoever waits for room then learns from it why there is no more.
        self._receiving.add_done_callback(lambda _: self._has_room.set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.drain(_DRAIN_ON_CLOSE_S)
        finally:  # who has no time for the receipts still has no session to leave behind
            try:
                await self._stop_receiving()
            finally:
                await self._connection.close()

    @property
    def has_opened(self) -> bool:
        """Whether there was a session."""
        return self._connection.has_opened

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        waits_s = self.oldest_in_flight_s
        if self.is_connected and waits_s > _LATE_RECEIPT_S:
            return f"no receipt for {waits_s:.0f} s: the link or the node is slow, or a backlog is full"
        return self._connection.status

    @property
    def is_connected(self) -> bool:
        """Whether a session is open."""
        return self._websocket is not None

    @property
    def is_full(self) -> bool:
        """Whether no more can be sent now: the node owes receipts, or the link is slow to take a message."""
        return self._is_sending or self._is_window_full

    @property
    def _is_window_full(self) -> bool:
        return len(self._in_flight) >= self.window

    @property
    def oldest_in_flight_s(self) -> float:
        """How long the oldest message has waited for its receipt, in seconds; 0 if none waits."""
        oldest = next(iter(tuple(self._in_flight.values())), None)  # a copy: asked from other threads, too
        return oldest.waits_s if oldest else 0.0

    @property
    def round_trip_ns(self) -> int | None:
        """The shortest time from sending to receipt, of the last 256 messages; None before the first."""
        return min(self._receipt_times_ns, default=None)

    @property
    def round_trip_s(self) -> float:
        """The shortest time from a ping to its pong in the last minute, in seconds; 0 before the first."""
        return self._connection.round_trip_s

    def last_receipts_ns(self, count: int) -> list[int]:
        """Return the times from sending to receipt of the last so many acknowledged messages, at most 256."""
        return list(self._receipt_times_ns)[-count:] if count > 0 else []

    @property
    def reconnects(self) -> int:
        """How often the session was opened again."""
        return self._connection.reconnects

    @property
    def recovery_s(self) -> float | None:
        """How long the last interruption took, in seconds; None before the first one."""
        return self._connection.recovery_s

    @property
    def in_flight(self) -> int:
        """How many messages wait for their receipt."""
        return len(self._in_flight)

    async def room(self) -> None:
        """Wait until a message may be sent: a session is open, and the window of messages in flight is not full.

        Raises:
            PulsarError: the session ended for a reason that will not pass.
        """
        await self._has_room.wait()
        self.raise_if_ended()

    def raise_if_ended(self) -> None:
        """Raise why this producer cannot go on, if it cannot.

        Raises:
            PulsarError: the session ended for a reason that will not pass.
        """
        if self._receiving and self._receiving.done():
            if not self._receiving.cancelled():
                self._receiving.result()
            raise ConnectionLost(self._connection.target.node, "this producer is closed")

    async def send(self, packet: Packet) -> asyncio.Future[Receipt]:
        """Send a packet as soon as there is room; return the future receipt, which never raises.

        Raises:
            PulsarError: the session ended for a reason that will not pass.
        """
        while not self._websocket or self._is_window_full:
            await self.room()
        context, self._sent = str(self._sent), self._sent + 1
        message = _Message(packet, asyncio.get_running_loop().create_future())
        message.stamp()
        self._in_flight[context] = message
        self._fit_window()
        self._update_room()
        self._is_sending = True
        try:
            await self._websocket.send(self._text(context, message), text=True)
        except ConnectionClosed:
            pass  # _receive settles the receipt
        finally:
            self._is_sending = False
        return message.receipt

    def _text(self, context: str, message: _Message) -> bytes:
        stamped = replace(
            message.packet, session=self.session, sent_at_ns=message.sent_at_ns, round_trip_ns=self.round_trip_ns
        )
        return publish_text(stamped, context)

    async def drain(self, timeout_s: float) -> None:
        """Wait until every message in flight has its receipt, but no longer than so many seconds."""
        if self._in_flight:
            await asyncio.wait([message.receipt for message in self._in_flight.values()], timeout=timeout_s)

    async def _stop_receiving(self) -> None:
        if self._receiving:
            self._receiving.cancel()
            await asyncio.wait([self._receiving])

    def _fit_window(self) -> None:
        self._sends.count()
        if time.monotonic() > self._window_fits_until_s:
            self._window_fits_until_s = time.monotonic() + _FIT_WINDOW_EVERY_S
            self.window = in_flight_on(self._connection.round_trip_s, self._sends.per_second)

    async def _receive(self) -> None:
        try:
            async for websocket in self._connection.sessions():
                await self._live_through(websocket)
        finally:
            self._settle_all(DISCONNECTED)

    async def _live_through(self, websocket: ClientConnection) -> None:
        try:
            with contextlib.suppress(ConnectionClosed):
                await self._resend(websocket)
                self._websocket = websocket
                self._update_room()
                await self._receive_receipts(websocket)
        finally:
            self._websocket = None
            self._update_room()
        self._learn_text_limit(websocket)
        if not self._resends:
            self._settle_all(DISCONNECTED)
        elif self._refusal:
            # Under the old name, what was sent behind a refused message could make Pulsar take that for a duplicate.
            self._refusal, self._connection.target = None, self._target_of_another_name()
        else:
            self._connection.target = self._target()

    async def _resend(self, websocket: ClientConnection) -> None:
        for context, message in list(self._in_flight.items()):
            message.stamp()
            await websocket.send(self._text(context, message), text=True)

    async def _receive_receipts(self, websocket: ClientConnection) -> None:
        while not (reason := self._reason_to_give_up):
            self._tell_of_late_receipts()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    self._take(await websocket.recv(decode=False))
        await self._connection.give_up_session(reason)

    def _tell_of_late_receipts(self) -> None:
        is_late = self.oldest_in_flight_s > _LATE_RECEIPT_S
        if is_late and not self._is_late:
            self._connection.log.warning("%s", self.status)
        elif self._is_late and not is_late:
            self._connection.log.warning("receipts come again")
        self._is_late = is_late

    @property
    def _reason_to_give_up(self) -> str:
        """Why this session is of no more use; empty if it is."""
        if self._refusal:
            # What else is in flight may still be accepted, and is not to be sent again then.
            pauses = len(self._in_flight) > 1 and time.monotonic() - self._refused_at_s < _REFUSAL_PAUSE_S
            return "" if pauses else f"a frame was not taken: {self._refusal.problem}"
        if self.oldest_in_flight_s > _NO_RECEIPT_S:
            return f"no receipt for {self.oldest_in_flight_s:.0f} s"
        return ""

    def _take(self, text: bytes) -> None:
        try:
            self._settle(parse_receipt(text))
        except BadMessage as error:
            self.bad_messages += 1
            if self.bad_messages == 1:
                logger.warning("%s (said once, counted from here on)", error)

    def _settle(self, receipt: Receipt) -> None:
        message = self._in_flight.get(receipt.context or "")
        if not message:
            return
        took_ns = round(message.waits_s * 1e9)
        receipt = replace(receipt, sent_at_ns=message.sent_at_ns, received_at_ns=message.sent_at_ns + took_ns)
        if receipt.failure == _TERMINATED:
            raise TopicTerminated(str(self._topic))
        if self._resends and not receipt.accepted and receipt.problem != DISCONNECTED:
            self._keep(message.packet, receipt)
            return
        del self._in_flight[receipt.context or ""]
        if receipt.accepted:
            self.receipts += 1
            self._receipt_times_ns.append(took_ns)
        if not message.receipt.done():
            message.receipt.set_result(receipt)
        self._update_room()

    def _keep(self, packet: Packet, receipt: Receipt) -> None:
        """Send a refused message again on the next session, if that can help."""
        if receipt.failure in _FINAL_FAILURES:
            raise MessageRejected(str(self._topic), packet.sequence, receipt.problem)
        if not self._refusal:
            self._refusal, self._refused_at_s = receipt, time.monotonic()
        self._websocket = None
        self._update_room()

    def _settle_all(self, problem: str) -> None:
        for context in list(self._in_flight):
            self._settle(Receipt(context, problem=problem))

    def _update_room(self) -> None:
        if self._websocket and not self._is_window_full:
            self._has_room.set()
        else:
            self._has_room.clear()

    def _learn_text_limit(self, websocket: ClientConnection) -> None:
        """Read the limit from the words with which Jetty closes a session over a text frame that is too long."""
        if websocket.close_code == CloseCode.MESSAGE_TOO_BIG:
            limit = re.search(r"maximum size \[(\d{1,12})\]", websocket.close_reason or "")
            self.text_limit = int(limit.group(1)) if limit else self.text_limit
            if self._resends and self._in_flight:
                oldest = next(iter(self._in_flight.values()))
                raise MessageRejected(str(self._topic), oldest.packet.sequence, "its text is too long")
