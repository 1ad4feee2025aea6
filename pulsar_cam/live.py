"""Watching live: each message is acknowledged when it arrives, and the newest frame wins."""

from __future__ import annotations

import math

from .backlog import Backlog
from .clocks import ClockOffset
from .consumer import Consumer
from .errors import DecodeError
from .frame import Packet
from .latest import Latest
from .watch_stats import WatchStats
from .wire import Delivery, packet_of

DEFAULT_MAX_AGE_MS = 500.0


class Live:
    """Receives for a viewer in another thread, which takes the newest packet from `packets`.

    Args:
        max_age_ms: None for DEFAULT_MAX_AGE_MS, or for no limit on a durable subscription.

    Attributes:
        packets: where the newest one waits for the viewer.
    """

    def __init__(self, consumer: Consumer, stats: WatchStats, max_age_ms: float | None) -> None:
        self.packets = Latest[Packet]()
        self._consumer, self._stats, self._max_age_ms = consumer, stats, max_age_ms

    async def receive(self, frames: int | None) -> None:
        """Receive so many frames, or without end.

        Raises:
            PulsarError: the node cannot be reached, or refuses for a reason that will not pass.
        """
        consumer, stats = self._consumer, self._stats
        try:
            async with consumer:
                if stats.network:
                    stats.network.forget_blocks()
                stats.clock = ClockOffset(lags=consumer.is_durable)
                stats.max_age_ms = self._max_age_ms or (math.inf if consumer.is_durable else DEFAULT_MAX_AGE_MS)
                backlog = Backlog(stats.max_age_ms, starts_behind=consumer.is_durable)
                async for delivery in consumer:
                    self._hand_over(delivery)
                    await consumer.ack(delivery)  # while the picture is being decoded
                    if backlog.is_too_long(delivery):
                        await consumer.jump_to_live()
                    if stats.images == frames:
                        break
        finally:
            self.packets.close()

    def _hand_over(self, delivery: Delivery) -> None:
        self._stats.arrived(delivery)
        try:
            packet = packet_of(delivery)
        except DecodeError as error:
            self._stats.drop_unreadable(error)
            return
        if packet.notice:
            self._stats.drop_card(packet)
            return
        self._stats.follow(packet)
        if self.packets.put(packet):
            self._stats.drop("superseded")
