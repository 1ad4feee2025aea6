"""Watching live: each message is acknowledged when it arrives, and the newest frame wins."""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable

from ..errors import DecodeError
from ..frame import Frame, Packet
from ..measure.clocks import ClockOffset
from ..measure.sequence import Recent
from ..pulsar.messages.wire import Delivery, packet_of
from ..pulsar.sessions.consumer import Consumer
from ..pulsar.sessions.silence import Silence
from ..runtime.alongside import alongside
from ..runtime.background import forget_blocks
from ..runtime.handoff import Latest
from .backlog import Backlog
from .plan import WatchPlan
from .stats import WatchStats

logger = logging.getLogger(__name__)

_QUIET_AFTER_S = 1.0


class Live:
    """Receives for a viewer in another thread, which takes the newest packet."""

    def __init__(self, consumer: Consumer, plan: WatchPlan, stats: WatchStats) -> None:
        self._consumer, self._plan, self._stats = consumer, plan, stats
        self._packets = Latest[Packet]()
        self._publisher = OnePublisher()
        self._recent = Recent()

    async def receive(self) -> None:
        """Receive until enough frames have come, or without end.

        Raises:
            PulsarError: the node cannot be reached, or refuses for a reason that will not pass.
        """
        try:
            async with self._consumer as consumer, alongside(Silence(consumer).run()):
                forget_blocks()  # before the first frame, they delay nothing
                ages = self._stats.ages
                ages.clock = ClockOffset(lags=consumer.is_durable)
                ages.limit_ms = self._plan.limit_ms(is_durable=consumer.is_durable)
                backlog = Backlog(ages.limit_ms, starts_behind=consumer.is_durable)
                async for delivery in consumer:
                    self._hand_over(delivery)
                    await consumer.ack(delivery)  # while the picture is being decoded
                    if not delivery.unusable and backlog.is_too_long(delivery):
                        await consumer.jump_to_live()
                    if self._stats.images == self._plan.frames:
                        break
        finally:
            self._packets.close()

    def next(self, timeout_s: float, *, is_paused: bool) -> Packet | None:
        """Wait for the newest packet; None after that time, or if it is not to be shown."""
        packet = self._packets.take(timeout_s)
        if packet and is_paused:
            self._stats.dropped.count("paused")
        elif packet and self._stats.ages.is_too_old(packet):
            self._stats.dropped.count("too_old")
        else:
            return packet
        return None

    def done(self, shown: Packet | Frame) -> None:
        """Do nothing: it was acknowledged when it arrived."""

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits, and nothing more will come."""
        return self._packets.is_drained

    def _hand_over(self, delivery: Delivery) -> None:
        stats = self._stats
        stats.arrived(delivery)
        if delivery.unusable:
            stats.drop_unusable(delivery)
            return
        try:
            packet = packet_of(delivery)
        except DecodeError as error:
            stats.drop_unreadable(error)
            return
        if not self._publisher.sent(packet):
            stats.dropped.count("other_publisher")
            return
        if packet.notice:
            stats.drop_card(packet)
            return
        stats.follow(packet)
        if self._recent.has_come(packet):
            stats.dropped.count("repeated")
        elif self._packets.put(packet):
            stats.dropped.count("superseded")


class OnePublisher:
    """Of several publishers on one topic, the one whose pictures are shown: mixed, they would make no film.

    That is the first one; another takes its place when it was quiet for a second. Those that do not say who they are
    count as one.
    """

    def __init__(self) -> None:
        self._shown: Hashable = None  # as is a stranger
        self._last_at_s = -_QUIET_AFTER_S
        self._has_warned = False

    def sent(self, packet: Packet) -> bool:
        """Return whether a packet that arrives now is of that publisher."""
        stream, now_s = packet.stream, time.monotonic()
        if stream != self._shown and now_s - self._last_at_s < _QUIET_AFTER_S:
            self._warn(packet)
            return False
        self._shown, self._last_at_s = stream, now_s
        return True

    def _warn(self, packet: Packet) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "another publisher sends to this topic, too (%s), and is not shown; give each camera its own topic",
                packet.source or "without a name",
            )
