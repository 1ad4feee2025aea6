"""The real stream, received as by a viewer that decodes nothing, and that a publisher on demand does not wait for."""

from __future__ import annotations

from ...errors import PulsarError
from ...pulsar.endpoint import Endpoint
from ...pulsar.sessions.consumer import Consumer
from ...pulsar.sessions.silence import Silence
from ...pulsar.topics import Topic
from ...runtime.alongside import alongside
from ...runtime.kept_open import KeptOpen
from ...watching.backlog import Backlog
from .. import sessions
from ..view import StreamView
from .stream_count import StreamCount

_MOST_LAG_MS = 2000.0  # further behind, we jump to live, and what was skipped is not held for us


class StreamWatch:
    """Receives the stream for as long as `run` does."""

    def __init__(self, endpoint: Endpoint, topic: Topic) -> None:
        self._endpoint, self._topic = endpoint, topic
        self._kept = KeptOpen(self._consumer, self._receive)
        self._count = StreamCount()

    def _consumer(self) -> Consumer:
        return Consumer(self._endpoint, self._topic, sessions.subscription(), log=sessions.log)

    async def run(self) -> None:
        """Receive, for ever."""
        await self._kept.run()

    async def _receive(self, consumer: Consumer) -> None:
        self._count.begin()
        backlog = Backlog(_MOST_LAG_MS)
        async with alongside(Silence(consumer).run()):
            async for delivery in consumer:
                await consumer.ack(delivery)
                self._count.take(delivery, _ping_ns(consumer))
                if not delivery.unusable and backlog.is_too_long(delivery):
                    await consumer.jump_to_live()

    @property
    def error(self) -> PulsarError | None:
        """Why there is no session now; None if there is one."""
        return self._kept.error

    @property
    def reconnects(self) -> int:
        """How often the session was opened again."""
        return self._kept.reconnects

    def view(self) -> StreamView:
        """Return what came since the last call."""
        return self._count.view()


def _ping_ns(consumer: Consumer) -> int | None:
    return round(max(consumer.pings_s) * 1e9) if consumer.pings_s else None
