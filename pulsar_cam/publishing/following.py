"""Listening to what a monitor says of the stream behind the node, which a publisher cannot see."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from types import TracebackType
from typing import Self

from ..errors import BadMessage, PulsarError
from ..pulsar.condition import Condition, condition_in, condition_topic
from ..pulsar.consumer import Consumer
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import Topic

logger = logging.getLogger(__name__)

STALE_S = 20.0
"""A condition that is older says nothing of now."""


class Following:
    """Listens to what a monitor tells of a stream, as an async context manager; never raises on the way.

    Where that is not possible it is logged once, and the condition is not known.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic) -> None:
        self._endpoint, self._topic = endpoint, condition_topic(topic)
        self._told: Condition | None = None
        self._told_at_s = 0.0
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    @property
    def condition(self) -> Condition | None:
        """What was told last; None if nobody told anything lately."""
        return self._told if time.monotonic() - self._told_at_s < STALE_S else None

    async def _listen(self) -> None:
        try:
            # The name of its own lets several publishers of a topic listen.
            subscription = f"pulsar-cam-publisher-{secrets.token_hex(4)}"
            async with Consumer(self._endpoint, self._topic, subscription) as consumer:
                async for delivery in consumer:
                    await consumer.ack(delivery)
                    self._take(delivery.payload)
        except PulsarError as error:
            logger.warning("no monitor is followed: %s", error)

    def _take(self, payload: bytes) -> None:
        try:
            self._told, self._told_at_s = condition_in(payload), time.monotonic()
        except BadMessage as error:
            logger.info("not heeded: %s", error)
