"""Whether the messages that Pulsar holds for a viewer have become too many to be live."""

from __future__ import annotations

import time

from ..pulsar.messages.wire import Delivery

_LEAST_PAUSE_S = 1.0


class Backlog:
    """Learns from the deliveries of one viewer how far it is behind what is published.

    Between the publish time of a message and its arrival are the node, the link, and two clocks that may differ. What
    the fastest message needed counts as no lag at all; the lag of another is what it needed beyond that.

    Args:
        max_lag_ms: a longer lag is too long; infinite for never.
        starts_behind: the first message may have waited for its viewer, as those of a durable subscription do, and
            means nothing; until the first jump the clocks are trusted.
    """

    def __init__(self, max_lag_ms: float, *, starts_behind: bool = False) -> None:
        self._max_lag_ns = max_lag_ms * 1e6
        self._shortest_ns: int | None = 0 if starts_behind else None
        self._jumped_at_s = -_LEAST_PAUSE_S

    def is_too_long(self, delivery: Delivery) -> bool:
        """Return whether to jump to live now; a jump needs its time, so not again within a second."""
        took_ns = delivery.received_at_ns - delivery.published_at_ns
        self._shortest_ns = took_ns if self._shortest_ns is None else min(self._shortest_ns, took_ns)
        if took_ns - self._shortest_ns <= self._max_lag_ns or time.monotonic() - self._jumped_at_s < _LEAST_PAUSE_S:
            return False
        self._jumped_at_s, self._shortest_ns = time.monotonic(), None
        return True
