"""Receiving messages from one topic through a subscription."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from .connection import Connection
from .errors import BadMessage, RequestRejected
from .refusal import Target
from .topics import Endpoint, Topic, check_subscription
from .wire import Delivery, ack_text, parse_delivery

logger = logging.getLogger(__name__)

RECEIVER_QUEUE = 4
"""Messages that Pulsar may push ahead of our acks; its default of 1000 is half a minute of old pictures."""


class Consumer:
    """A consumer session that opens again whenever it closes.

    Use it as an async context manager and iterator; a session stops after RECEIVER_QUEUE deliveries without an ack::

        async with Consumer(Endpoint.of(), Topic.parse("video-stream"), "viewer1") as consumer:
            async for delivery in consumer:
                await consumer.ack(delivery)

    A subscription is not durable unless asked: it is gone when its consumer is, and nothing is kept for it. One that
    exists as a durable subscription already is used as it is. After a reconnection a durable one delivers again what
    was not acknowledged; the other kind goes on with what is published from then on.

    Attributes:
        is_durable: whether the subscription outlives this consumer.
        bad_messages: how many texts were not what Pulsar sends; they cannot be acknowledged.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        topic: Topic,
        subscription: str,
        *,
        durable: bool = False,
        receiver_queue: int = RECEIVER_QUEUE,
    ) -> None:
        self.is_durable = durable
        self.bad_messages = 0
        self._endpoint, self._topic = endpoint, topic
        self._subscription = check_subscription(subscription)
        self._receiver_queue = receiver_queue
        self._connection = Connection(self._target(), endpoint.headers)
        self._websocket: ClientConnection | None = None

    def _target(self) -> Target:
        parameters: dict[str, str | int] = {"receiverQueueSize": self._receiver_queue}
        if not self.is_durable:
            parameters["subscriptionMode"] = "NonDurable"
        return Target(
            url=self._endpoint.consumer_url(self._topic, self._subscription, **parameters),
            node=self._endpoint.ws_url,
            action=f"subscribe to {self._topic}",
            topic=self._topic,
            name=f"subscription {self._subscription!r}",
        )

    async def __aenter__(self) -> Self:
        """Open the session.

        Raises:
            PulsarError: the node cannot be reached, or refuses; NameInUse if another consumer has the subscription.
        """
        try:
            await self._connection.open()
        except RequestRejected as error:
            if self.is_durable or "Durable subscription" not in error.reason:
                raise
            logger.info("subscription %r is durable already and is used as it is", self._subscription)
            self.is_durable = True
            self._connection.target = self._target()
            await self._connection.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    @property
    def has_opened(self) -> bool:
        """Whether there was a session."""
        return self._connection.has_opened

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        return self._connection.status

    @property
    def reconnects(self) -> int:
        """How often the session was opened again."""
        return self._connection.reconnects

    async def __aiter__(self) -> AsyncIterator[Delivery]:
        """Yield each delivery, for ever.

        Raises:
            PulsarError: the node refuses to take us back for a reason that will not pass.
        """
        async for websocket in self._connection.sessions():
            self._websocket = websocket
            with contextlib.suppress(ConnectionClosed):
                async for text in websocket:
                    delivery = self._parse(text)
                    if delivery:
                        yield delivery

    def _parse(self, text: str | bytes) -> Delivery | None:
        try:
            return parse_delivery(text, time.time_ns())
        except BadMessage as error:
            self.bad_messages += 1
            if self.bad_messages == 1:
                logger.warning("%s (said once, counted from here on)", error)
            return None

    async def ack(self, delivery: Delivery) -> None:
        """Acknowledge a delivery; without effect once its session is closed, as Pulsar then delivers it again."""
        if self._websocket:
            with contextlib.suppress(ConnectionClosed):
                await self._websocket.send(ack_text(delivery))
