"""Receiving messages from one topic through a subscription."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from ..errors import BadMessage, PulsarError, RequestRejected
from ..frame import Frame, Packet
from .admin import Admin
from .connection import Connection
from .endpoint import Endpoint
from .in_flight import in_flight_on
from .session import Session
from .target import Target
from .topics import Topic, check_subscription
from .wire import Delivery, ack_of_unreadable, ack_text, parse_delivery

logger = logging.getLogger(__name__)

RECEIVER_QUEUE = 4
"""Messages that Pulsar may push ahead of our acks; its default of 1000 is half a minute of old pictures."""
_USUAL_FPS = 60
_MOST_MEASUREMENTS = 3  # a single ping can be late on a busy machine
_SKIP_TIMEOUT_S = 2.0


class Consumer(Session):
    """A consumer session that opens again whenever it closes.

    Use it as an async context manager and iterator; a session stops after `receiver_queue` deliveries without an ack.
    That is RECEIVER_QUEUE, or more on a link whose round trip is so long that acks would come too late::

        async with Consumer(Endpoint.of(), Topic.parse("video-stream"), "viewer1") as consumer:
            async for delivery in consumer:
                await consumer.ack(delivery)

    A text that is not a message of Pulsar's is counted, and acknowledged if it names one.

    A subscription is not durable unless asked: it is gone when its consumer is, and nothing is kept for it. One that
    exists as a durable subscription already is used as it is. After a reconnection a durable one delivers again what
    was not acknowledged; the other kind goes on with what is published from then on.

    Args:
        fits_queue: measure the link first, and fit `receiver_queue` to it; of no use where messages come one by one.
        log: where interruptions of the session are logged; by default, where `Connection` logs.

    Attributes:
        is_durable: whether the subscription outlives this consumer.
        receiver_queue: messages that Pulsar may push ahead of our acks.
        jumps: how often what Pulsar held for us was skipped.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        topic: Topic,
        subscription: str,
        *,
        durable: bool = False,
        fits_queue: bool = True,
        log: logging.Logger | None = None,
    ) -> None:
        self.is_durable = durable
        self._fits_queue = fits_queue
        self.receiver_queue = RECEIVER_QUEUE
        self.jumps = 0
        self._endpoint, self._topic = endpoint, topic
        self._subscription, self._names = check_subscription(subscription), 1
        self._websocket: ClientConnection | None = None
        self._read_ahead: deque[bytes] = deque()
        super().__init__(Connection(self._target(), endpoint, self._target_of_another_name, log))

    def _target(self) -> Target:
        name = self._subscription if self._names == 1 else f"{self._subscription}-{self._names}"
        parameters: dict[str, str | int] = {"receiverQueueSize": self.receiver_queue}
        if not self.is_durable:
            parameters["subscriptionMode"] = "NonDurable"
        return Target(
            url=self._endpoint.consumer_url(self._topic, name, **parameters),
            node=self._endpoint.ws_url,
            action=f"subscribe to {self._topic}",
            topic=self._topic,
            permission="consume",
            name=f"subscription {name!r}",
        )

    def _target_of_another_name(self) -> Target:
        """Return what to open while the node holds our subscription for a session that was lost.

        A durable one is worth the wait: what it missed is kept under its name.
        """
        if not self.is_durable:
            self._names += 1
        return self._target()

    async def open(self) -> None:
        """Open the session.

        Raises:
            PulsarError: the node cannot be reached, or refuses; NameInUse if another consumer has the subscription.
        """
        try:
            self._websocket = await self._connection.open()
        except RequestRejected as error:
            if self.is_durable or "Durable subscription" not in error.reason:
                raise
            logger.info("subscription %r is durable already and is used as it is", self._subscription)
            self.is_durable = True
            self._connection.target = self._target()
            self._websocket = await self._connection.open()
        try:
            if self._fits_queue:
                await self._fit_receiver_queue(self._websocket)
        except BaseException:
            await self._connection.close()
            raise

    async def close(self) -> None:
        """Close the session."""
        await self._connection.close()

    async def _fit_receiver_queue(self, websocket: ClientConnection) -> None:
        """Take a longer queue where the round trip is so long that acks would come too late for the next frames."""
        needed = await self._needed_queue(websocket)
        if needed <= self.receiver_queue:
            return
        logger.info("a round trip takes %.0f ms: %d messages ahead", self.ping_s * 1000, needed)
        self.receiver_queue = needed
        self._connection.target = self._target()
        self._read_ahead.clear()  # what was not acknowledged
        await self._connection.close()
        await self._connection.open()

    async def _needed_queue(self, websocket: ClientConnection) -> int:
        reading = asyncio.create_task(self._keep_reading_ahead(websocket))
        try:
            for _ in range(_MOST_MEASUREMENTS):
                await self._connection.measure()
                needed = in_flight_on(self.ping_s, _USUAL_FPS)
                if needed <= self.receiver_queue:
                    break
        finally:
            reading.cancel()
            await asyncio.wait([reading])
        return needed

    async def _keep_reading_ahead(self, websocket: ClientConnection) -> None:
        """Take what is delivered meanwhile: a pong comes behind it, and nothing comes behind what nobody takes."""
        with contextlib.suppress(ConnectionClosed):
            while len(self._read_ahead) < RECEIVER_QUEUE:
                self._read_ahead.append(await websocket.recv(decode=False))

    async def __aiter__(self) -> AsyncIterator[Delivery]:
        """Yield each delivery, for ever.

        Raises:
            PulsarError: the node refuses to take us back for a reason that will not pass.
        """
        async for websocket in self._connection.sessions():
            self._websocket = websocket
            with contextlib.suppress(ConnectionClosed):
                while self._websocket is websocket:
                    text = self._read_ahead.popleft() if self._read_ahead else await websocket.recv(decode=False)
                    if delivery := self._parse(text):
                        yield delivery
                    elif ack := ack_of_unreadable(text):
                        await websocket.send(ack, text=True)

    def _parse(self, text: bytes) -> Delivery | None:
        try:
            return parse_delivery(text, time.time_ns())
        except BadMessage as error:
            self._count_bad_message(error)
            return None

    async def ack(self, delivery: Delivery | Packet | Frame) -> None:
        """Acknowledge a delivery; without effect once its session is closed, as Pulsar then delivers it again."""
        if self._websocket:
            with contextlib.suppress(ConnectionClosed):
                await self._websocket.send(ack_text(delivery))

    async def jump_to_live(self) -> None:
        """Skip what Pulsar holds for us, and go on with what is published from now on.

        A subscription that is not durable begins again, on the next session. From a durable one the admin API takes
        the backlog; without that API it stays.
        """
        self.jumps += 1
        if self.is_durable:
            await self._skip_backlog()
        else:
            self._websocket = None
            await self._connection.reopen()

    async def _skip_backlog(self) -> None:
        try:
            async with Admin(self._endpoint, _SKIP_TIMEOUT_S) as admin:
                await admin.skip_backlog(self._topic, self._subscription)
        except PulsarError as error:
            logger.warning("the backlog of subscription %r was not skipped: %s", self._subscription, error)
