"""Publishing packets to one topic."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from dataclasses import replace
from logging import Logger

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from ...errors import BadMessage, ConnectionLost
from ...frame import Packet
from ..endpoint import Endpoint
from ..messages.extra import check_extra
from ..messages.wire import Receipt, parse_receipt, publish_text
from ..target import Target
from ..topics import Topic
from .connection import Connection
from .in_flight import InFlight, Message
from .session import Session

_DRAIN_ON_CLOSE_S = 0.7
_LATE_RECEIPT_S = 2.0
_PROMPT_S = 0.5
_PINGS_TO_TRUST = 3
LOOK_EVERY_S = 2.0


class Producer(Session):
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
    """

    def __init__(self, endpoint: Endpoint, topic: Topic, *, resend: bool = False, log: Logger | None = None) -> None:
        self.session = secrets.token_hex(4)
        self.text_limit: int | None = None
        self._endpoint, self._topic = endpoint, topic
        self._names = 1
        self._in_flight = InFlight(str(topic), resends=resend)
        self._has_room, self._is_drained = asyncio.Event(), asyncio.Event()
        self._websocket: ClientConnection | None = None
        self._is_sending = False
        self._receipts_when_late: int | None = None
        self._receiving: asyncio.Task[None] | None = None
        super().__init__(Connection(self._target(), endpoint, self._target_of_another_name, log))

    def _target(self) -> Target:
        name = f"pulsar-cam-{self.session}" + (f"-{self._names}" if self._names > 1 else "")
        parameters: dict[str, str | int] = {"producerName": name}
        if self._in_flight.resends:
            # Pulsar numbers the messages of a session from here on; by name and number it knows what it has already.
            parameters["initialSequenceId"] = self._in_flight.next_number
        return Target(
            url=self._endpoint.producer_url(self._topic, **parameters),
            node=self._endpoint.ws_url,
            action=f"publish to {self._topic}",
            topics=(self._topic,),
            permission="produce",
            name=f"producer name {name!r}",
        )

    def _target_of_another_name(self) -> Target:
        self._names += 1
        return self._target()

    async def open(self) -> None:
        """Open the session.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        await self._connection.open()
        self._receiving = asyncio.create_task(self._receive())
        # A caller that waits for room then learns from it why there is no more.
        self._receiving.add_done_callback(lambda _: self._has_room.set())

    async def close(self) -> None:
        """Wait a moment for the last receipts, then close the session."""
        try:
            await self.drain(_DRAIN_ON_CLOSE_S)
        finally:  # who has no time for the receipts still has no session to leave behind
            try:
                await self._stop_receiving()
            finally:
                await self._connection.close()

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        waits_s = self.oldest_in_flight_s
        if self.is_stalled:
            return f"stalled: {self._in_flight.why_stalled}"
        if self.is_connected and waits_s > _LATE_RECEIPT_S:
            return f"no receipt for {waits_s:.0f} s: the link or the node is slow, or a backlog is full"
        return self._connection.status

    @property
    def is_connected(self) -> bool:
        """Whether a session is open."""
        return self._websocket is not None

    @property
    def is_stalled(self) -> bool:
        """Whether a session is open, and Pulsar accepts nothing on it; why is in `status`."""
        return self.is_connected and bool(self._in_flight.why_stalled)

    @property
    def is_full(self) -> bool:
        """Whether no more can be sent now: the node owes receipts, or the link is slow to take a message."""
        return self._is_sending or self._in_flight.is_full

    @property
    def in_flight(self) -> int:
        """How many messages wait for their receipt."""
        return len(self._in_flight)

    @property
    def window(self) -> int:
        """How many messages may wait for their receipt: 4, more on a link with a long round trip, or fewer.

        Pulsar itself would take any number, and pictures would get old.
        """
        return self._in_flight.window

    @property
    def receipts(self) -> int:
        """How many messages were acknowledged."""
        return self._in_flight.accepted

    @property
    def oldest_in_flight_s(self) -> float:
        """How long the oldest message has waited for its receipt, in seconds; 0 if none waits."""
        return self._in_flight.oldest_s

    def last_receipts_ns(self, count: int) -> list[int]:
        """Return the times from sending to receipt of the last `count` acknowledged messages, at most 256."""
        return self._in_flight.last_receipts_ns(count)

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
            raise ConnectionLost(self._endpoint.ws_url, "this producer is closed", "open another one")

    async def send(self, packet: Packet) -> asyncio.Future[Receipt]:
        """Send a packet as soon as there is room; return the future receipt, which never raises.

        Raises:
            InvalidOption: its properties are too many, too long, or not text.
            PulsarError: the session ended for a reason that will not pass.
        """
        check_extra(packet.extra)
        while not self._websocket or self._in_flight.is_full:
            await self.room()
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

        def settle(found: Receipt) -> None:
            if not receipt.done():  # who waited for it may have been cancelled
                receipt.set_result(found)

        message = self._in_flight.add(packet, settle, self.ping_s)
        self._update_room()
        self._is_sending = True
        try:
            await self._websocket.send(self._text(message), text=True)
        except ConnectionClosed:
            pass  # _receive settles the receipt
        finally:
            self._is_sending = False
        return receipt

    def _text(self, message: Message) -> bytes:
        stamped = replace(
            message.packet,
            session=self.session,
            sent_at_ns=message.sent_at_ns,
            receipt_ns=self._in_flight.receipt_ns,
        )
        return publish_text(stamped, message.context)

    async def drain(self, timeout_s: float) -> None:
        """Wait until no message is in flight, but no longer than `timeout_s`."""
        if self._in_flight:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._is_drained.wait()

    async def _stop_receiving(self) -> None:
        if self._receiving:
            self._receiving.cancel()
            await asyncio.wait([self._receiving])

    async def _receive(self) -> None:
        try:
            async for websocket in self._connection.sessions():
                await self._live_through(websocket)
        finally:
            self._in_flight.settle_all()
            self._update_room()

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
        needs_another_name = self._in_flight.end_session()
        self._update_room()
        if self._in_flight.resends:
            self._connection.target = self._target_of_another_name() if needs_another_name else self._target()

    async def _resend(self, websocket: ClientConnection) -> None:
        for message in self._in_flight.messages:
            message.stamp()
            await websocket.send(self._text(message), text=True)

    async def _receive_receipts(self, websocket: ClientConnection) -> None:
        while not (reason := self._in_flight.reason_to_give_up):
            self._log_late_receipts()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    self._take(await websocket.recv(decode=False))
            pings_s = self.pings_s[-_PINGS_TO_TRUST:]
            self._in_flight.link_answers = len(pings_s) == _PINGS_TO_TRUST and max(pings_s) < _PROMPT_S
        self._in_flight.give_up_session(reason)
        await self._connection.give_up_session(reason)

    def _log_late_receipts(self) -> None:
        """Log once that nothing is accepted, and once that something is again; a refusal is neither."""
        is_late = self.is_stalled or self.oldest_in_flight_s > _LATE_RECEIPT_S
        if self._receipts_when_late is None and is_late:
            self._receipts_when_late = self.receipts
            self._connection.log.warning("%s", self.status)
        elif self._receipts_when_late is not None and not is_late and self.receipts > self._receipts_when_late:
            self._receipts_when_late = None
            self._connection.log.warning("receipts are arriving again")

    def _take(self, text: bytes) -> None:
        try:
            self._in_flight.settle(parse_receipt(text))
        except BadMessage as error:
            self._count_bad_message(error)
        if self._in_flight.is_refused:
            self._websocket = None
        self._update_room()

    def _update_room(self) -> None:
        _set(self._has_room, bool(self._websocket and not self._in_flight.is_full))
        _set(self._is_drained, not self._in_flight)

    def _learn_text_limit(self, websocket: ClientConnection) -> None:
        """Read the limit from the words with which Jetty closes a session over a text frame that is too long."""
        if websocket.close_code == CloseCode.MESSAGE_TOO_BIG:
            limit = re.search(r"maximum size \[(\d{1,12})\]", websocket.close_reason or "")
            self.text_limit = int(limit.group(1)) if limit else self.text_limit
            self._in_flight.take_as_too_long()


def _set(event: asyncio.Event, is_so: bool) -> None:
    if is_so:
        event.set()
    else:
        event.clear()
