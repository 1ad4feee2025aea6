"""The real stream, received as by a viewer that decodes nothing, and is no audience to a publisher on demand."""

from __future__ import annotations

import asyncio
import logging
import time

from ...errors import DecodeError, PulsarError
from ...frame import Packet
from ...measure.clocks import ClockOffset
from ...measure.rates import Gaps
from ...measure.stages import Durations
from ...pulsar.consumer import Consumer
from ...pulsar.topics import Endpoint, Topic
from ...pulsar.wire import Delivery, packet_of
from ...runtime.retry import backoff
from ...watching.backlog import Backlog
from .. import sessions
from ..view import StreamView

logger = logging.getLogger(__name__)

_MOST_AGES = 1024
_MOST_LAG_MS = 2000.0  # further behind, we jump to live, and what was skipped is not held for us
_NOTICE_LASTS_S = 3.0  # a publisher repeats it every second


class StreamWatch:
    """Receives the stream for as long as `run` does.

    Attributes:
        error: why there is no session now; None if there is one.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic) -> None:
        self.error: PulsarError | None = None
        self._endpoint, self._topic = endpoint, topic
        self._consumer: Consumer | None = None
        self._earlier_reconnects = 0
        self._clock, self._gaps = ClockOffset(), Gaps()
        self._frames = self._seen_frames = 0
        self._bytes = self._seen_bytes = 0
        self._ages = Durations(_MOST_AGES)
        self._picture = self._notice = ""
        self._noticed_s = -_NOTICE_LASTS_S
        self._looked_at_s = self._last_at_s = time.monotonic()

    async def run(self) -> None:
        """Receive, for ever."""
        for delay_s in backoff():
            self._consumer = Consumer(self._endpoint, self._topic, sessions.subscription(), log=sessions.log)
            try:
                await self._receive(self._consumer)
            except PulsarError as error:
                logger.debug("the stream cannot be received: %s", error)
                self.error = error
            self._earlier_reconnects += self._consumer.reconnects
            await asyncio.sleep(delay_s)

    async def _receive(self, consumer: Consumer) -> None:
        async with consumer:
            self.error, self._last_at_s = None, time.monotonic()
            backlog = Backlog(_MOST_LAG_MS)
            async for delivery in consumer:
                await consumer.ack(delivery)
                self._take(delivery)
                if backlog.is_too_long(delivery):
                    await consumer.jump_to_live()

    def _take(self, delivery: Delivery) -> None:
        try:
            packet = packet_of(delivery)
        except DecodeError:  # somebody publishes something else here
            return
        if packet.notice:
            self._notice, self._noticed_s = packet.notice, time.monotonic()
            return
        self._notice = ""
        self._frames += 1
        self._bytes += len(packet.jpeg)
        self._last_at_s = time.monotonic()
        self._gaps.follow(packet)
        self._clock.observe(packet, self._round_trip_ns)
        self._ages.add(max(0, delivery.received_at_ns - self._clock.offset_ns - packet.captured_at_ns))
        self._picture = _picture(packet)

    @property
    def _round_trip_ns(self) -> int | None:
        round_trips_s = self._consumer.round_trips_s if self._consumer else ()
        return round(max(round_trips_s) * 1e9) if round_trips_s else None

    @property
    def reconnects(self) -> int:
        """How often the session was opened again."""
        return self._earlier_reconnects + (self._consumer.reconnects if self._consumer else 0)

    def view(self) -> StreamView:
        """Return what came since the last call."""
        now_s = time.monotonic()
        passed_s = max(0.001, now_s - self._looked_at_s)
        ages, self._ages = self._ages, Durations(_MOST_AGES)
        frames, size = self._frames - self._seen_frames, self._bytes - self._seen_bytes
        self._looked_at_s, self._seen_frames, self._seen_bytes = now_s, self._frames, self._bytes
        return StreamView(
            fps=round(frames / passed_s, 1),
            bytes_per_s=round(size / passed_s, 1),
            age_ms=ages.percentiles_ms(),
            picture=self._picture,
            frames=self._frames,
            missing=self._gaps.missing,
            repeated=self._gaps.repeated,
            notice=self._notice if now_s - self._noticed_s < _NOTICE_LASTS_S else "",
            silent_s=round(now_s - self._last_at_s, 1),
        )


def _picture(packet: Packet) -> str:
    quality = f" q{packet.quality}" if packet.quality else ""
    return f"{packet.width}x{packet.height}{quality}"
