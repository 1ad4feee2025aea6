"""What a publisher measures between two steps of its controller."""

from __future__ import annotations

import statistics

from ..pulsar.sessions.producer import Producer
from .control.controller import Readings
from .control.demand import Demand
from .control.following import Following
from .stats import PublishStats


class Gauge:
    """Reads what happened since it was last read.

    Args:
        demand: who watches; None if that does not matter.
        following: what a monitor says; None if that does not matter.
    """

    def __init__(
        self, producer: Producer, stats: PublishStats, demand: Demand | None, following: Following | None
    ) -> None:
        self._producer, self._stats, self._demand, self._following = producer, stats, demand, following
        self._before = _Counts(producer, stats)

    def reset(self) -> None:
        """Begin from here."""
        self._before = _Counts(self._producer, self._stats)

    def read(self) -> Readings:
        """Return what was measured since the last time, and begin from here."""
        before = self._before
        self._before = now = _Counts(self._producer, self._stats)
        times_ns = self._producer.last_receipts_ns(now.receipts - before.receipts)
        return Readings(
            connected=before.is_connected and now.is_connected and before.reconnects == now.reconnects,
            receipts=len(times_ns),
            receipt_ms=statistics.median(times_ns) / 1e6 if times_ns else 0.0,
            round_trip_ms=self._producer.ping_s * 1000 or None,
            in_flight=self._producer.in_flight,
            waiting_ms=self._producer.oldest_in_flight_s * 1000,
            captured=now.captured - before.captured,
            left_out=now.left_out - before.left_out,
            backlog=self._backlog,
            condition=self._following.condition if self._following else None,
        )

    @property
    def _backlog(self) -> int | None:
        """How far the most advanced viewer is behind, by the node's statistics, or else by what a monitor says."""
        if self._demand and self._demand.audience:
            return self._demand.audience.backlog
        condition = self._following.condition if self._following else None
        return condition.backlog if condition else None


class _Counts:
    """What is counted for ever, at one time."""

    def __init__(self, producer: Producer, stats: PublishStats) -> None:
        self.is_connected = producer.is_connected and not producer.is_stalled
        self.reconnects = producer.reconnects
        self.receipts = producer.receipts
        self.captured = stats.captured - stats.dropped["rate_lowered"]
        self.left_out = stats.dropped["in_flight_full"]
