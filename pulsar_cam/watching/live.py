"""Watching live: each message is acknowledged when it arrives, and the newest frame wins."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Hashable

from ..errors import DecodeError
from ..frame import Packet
from ..measure.clocks import ClockOffset
from ..pulsar.consumer import Consumer
from ..pulsar.wire import Delivery, packet_of
from ..runtime.latest import Latest
from .backlog import Backlog
from .stats import WatchStats

logger = logging.getLogger(__name__)

DEFAULT_MAX_AGE_MS = 500.0
_QUIET_AFTER_S = 1.0
_MOST_REMEMBERED = 1024  # frames: more than a node that is killed delivers again


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
        self._publisher = OnePublisher()
        self._recent = Recent()

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
        if not self._publisher.sent(packet):
            self._stats.drop("other_publisher")
            return
        if packet.notice:
            self._stats.drop_card(packet)
            return
        self._stats.follow(packet)
        if self._recent.has_come(packet):
            self._stats.drop("repeated")
            return
        if self.packets.put(packet):
            self._stats.drop("superseded")


class Recent:
    """Knows the last frames that came, by their publisher's session and their number.

    Numbers alone would do, but then one message with an enormous number would keep out all that come after it.
    """

    def __init__(self) -> None:
        self._frames: dict[Hashable, None] = {}

    def has_come(self, packet: Packet) -> bool:
        """Note a packet, and tell whether it came before; one without session or number never did."""
        if packet.session is None or packet.sequence is None:
            return False
        frame = (packet.source, packet.session, packet.sequence)
        if frame in self._frames:
            return True
        self._frames[frame] = None
        if len(self._frames) > _MOST_REMEMBERED:
            self._frames.pop(next(iter(self._frames)))
        return False


class OnePublisher:
    """Of several publishers on one topic, the one whose pictures are shown: mixed, they would make no film.

    That is the first one; another takes its place when it was quiet for a second.
    """

    def __init__(self) -> None:
        self._shown: Hashable = None
        self._last_at_s = -_QUIET_AFTER_S
        self._has_told = False

    def sent(self, packet: Packet) -> bool:
        """Tell whether a packet that arrives now is of that publisher."""
        stream, now_s = (packet.source, packet.session), time.monotonic()
        if stream != self._shown and now_s - self._last_at_s < _QUIET_AFTER_S:
            self._tell(packet)
            return False
        self._shown, self._last_at_s = stream, now_s
        return True

    def _tell(self, packet: Packet) -> None:
        if not self._has_told:
            self._has_told = True
            logger.warning(
                "another publisher sends to this topic, too (%s), and is not shown; give each camera its own topic",
                packet.source or "without a name",
            )
