"""A session that sends nothing but pings, to see how long a node lets it live."""

from __future__ import annotations

import time

from ...pulsar.endpoint import Endpoint
from ...pulsar.sessions.consumer import Consumer
from ...pulsar.topics import Topic
from ...runtime.kept_open import KeptOpen
from .. import sessions


class QuietSession:
    """Subscribes to a topic on which nothing is published, for as long as `run` does.

    Attributes:
        survived_s: how long the last one lived that was lost, in seconds; None before that.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic) -> None:
        self.survived_s: float | None = None
        self._endpoint, self.topic = endpoint, topic
        self._kept = KeptOpen(self._consumer, self._receive)
        self._opened_at_s: float | None = None
        self._seen_reconnects = 0

    def _consumer(self) -> Consumer:
        return Consumer(self._endpoint, self.topic, sessions.subscription(), fits_queue=False, log=sessions.log)

    async def run(self) -> None:
        """Keep the session open, for ever."""
        await self._kept.run()

    async def _receive(self, consumer: Consumer) -> None:
        self.look()
        try:
            async for delivery in consumer:
                await consumer.ack(delivery)
        finally:
            self.look()

    @property
    def reconnects(self) -> int:
        """How often it was opened again."""
        return self._kept.reconnects

    @property
    def is_open(self) -> bool:
        """Whether it is there now."""
        return self._kept.session is not None and self._kept.session.status == "connected"

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        session, error = self._kept.session, self._kept.error
        return str(error) if error else session.status if session else "connecting"

    def look(self) -> float:
        """Return for how long it has been open, in seconds; 0 if it is not. To be called every now and then."""
        now_s, reconnects = time.monotonic(), self._kept.reconnects
        if self._opened_at_s is not None and (reconnects > self._seen_reconnects or not self.is_open):
            self.survived_s, self._opened_at_s = now_s - self._opened_at_s, None
        if self.is_open and self._opened_at_s is None:
            self._opened_at_s = now_s
        self._seen_reconnects = reconnects
        return now_s - self._opened_at_s if self._opened_at_s is not None else 0.0
