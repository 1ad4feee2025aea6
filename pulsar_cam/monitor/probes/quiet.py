"""A session that sends nothing but pings, to see how long a node lets it live."""

from __future__ import annotations

import asyncio
import logging
import time

from ...errors import PulsarError
from ...pulsar.consumer import Consumer
from ...pulsar.topics import Endpoint, Topic
from ...runtime.retry import backoff
from .. import sessions

logger = logging.getLogger(__name__)


class QuietSession:
    """Subscribes to a topic on which nobody publishes, for as long as `run` does.

    Attributes:
        error: why there is no session now; None if that is not known, or there is one.
        survived_s: how long the last one lived that was lost, in seconds; None before that.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic) -> None:
        self.error: PulsarError | None = None
        self.survived_s: float | None = None
        self._endpoint, self._topic = endpoint, topic
        self._consumer: Consumer | None = None
        self._opened_at_s: float | None = None
        self._seen_reconnects = self._earlier_reconnects = 0

    async def run(self) -> None:
        """Keep the session open, for ever."""
        for delay_s in backoff():
            name = sessions.subscription()
            self._consumer = Consumer(self._endpoint, self._topic, name, fits_queue=False, log=sessions.log)
            try:
                async with self._consumer as consumer:
                    self.error, self._opened_at_s = None, time.monotonic()
                    async for delivery in consumer:
                        await consumer.ack(delivery)
            except PulsarError as error:
                logger.debug("no quiet session: %s", error)
                self.error = error
            self.look()
            self._earlier_reconnects += self._consumer.reconnects
            self._seen_reconnects = 0
            await asyncio.sleep(delay_s)

    @property
    def reconnects(self) -> int:
        """How often it was opened again."""
        return self._earlier_reconnects + (self._consumer.reconnects if self._consumer else 0)

    @property
    def is_open(self) -> bool:
        """Whether it is there now."""
        return self._consumer is not None and self._consumer.status == "connected"

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        return str(self.error) if self.error else self._consumer.status if self._consumer else "connecting"

    def look(self) -> float:
        """Return for how long it has been open, in seconds; 0 if it is not. To be called every now and then."""
        now_s = time.monotonic()
        is_another = self._consumer is not None and self._consumer.reconnects > self._seen_reconnects
        if self._opened_at_s is not None and (is_another or not self.is_open):
            self.survived_s, self._opened_at_s = now_s - self._opened_at_s, None
        if self._consumer and self.is_open and self._opened_at_s is None:
            self._opened_at_s = now_s
        self._seen_reconnects = self._consumer.reconnects if self._consumer else 0
        return now_s - self._opened_at_s if self._opened_at_s is not None else 0.0
