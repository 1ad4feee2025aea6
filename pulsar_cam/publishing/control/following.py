"""Listening to what a monitor says of the stream behind the node, which a publisher cannot see."""

from __future__ import annotations

import logging
import secrets
import time

from ...errors import BadMessage, PulsarError
from ...measure.counters import warn_once
from ...pulsar.endpoint import Endpoint
from ...pulsar.messages.condition import Condition, condition_in, condition_topic
from ...pulsar.sessions.consumer import Consumer
from ...pulsar.sessions.silence import Silence
from ...pulsar.topics import Topic
from ...runtime.alongside import alongside

logger = logging.getLogger(__name__)

STALE_S = 20.0
"""A condition that is older says nothing of now."""


class Following:
    """Listens to what a monitor says of a stream, for as long as `run` does; never raises on the way.

    Where that is not possible it is logged once, and the condition is not known.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic) -> None:
        self._endpoint, self._topic = endpoint, condition_topic(topic)
        self._told: Condition | None = None
        self._told_at_s = 0.0
        self._strange = 0

    @property
    def condition(self) -> Condition | None:
        """What a monitor reported last; None if there was no recent report."""
        return self._told if time.monotonic() - self._told_at_s < STALE_S else None

    async def run(self) -> None:
        """Listen, for ever."""
        try:
            # The name of its own lets several publishers of a topic listen.
            subscription = f"pulsar-cam-publisher-{secrets.token_hex(4)}"
            consumer = Consumer(self._endpoint, self._topic, subscription)
            async with consumer, alongside(Silence(consumer).run()):
                async for delivery in consumer:
                    await consumer.ack(delivery)
                    self._take(delivery.payload)
        except PulsarError as error:
            logger.warning("no monitor is followed: %s", error)

    def _take(self, payload: bytes) -> None:
        try:
            self._told, self._told_at_s = condition_in(payload), time.monotonic()
        except BadMessage as error:
            self._strange += 1
            warn_once(logger, self._strange, "not heeded: %s", error)
