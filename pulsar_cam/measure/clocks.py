"""What the clocks of two machines have to do with the age of a frame.

A message takes some time, and not more than the round trips of its publisher and of its receiver to the node
together. So the fastest message bounds how far the receiver's clock is ahead of the publisher's: at most by the time
the message seems to have taken, and at least by that less both round trips. This is the clock filter of NTP
(RFC 5905, section 10), with a message that travels one way instead of a probe.
"""

from __future__ import annotations

import time
from collections.abc import Hashable

from ..frame import Packet

_PRECISION_NS = 1_000_000
# What a message may take beyond the round trips before it counts as a difference of clocks: a busy node, and a
# link of 8 Mbit/s, on which pings are faster than pictures.
_PATIENCE_NS = 100_000_000
_NS_PER_BYTE = 1_000


class ClockOffset:
    """How far this machine's clock is ahead of the publisher's, as far as messages show it.

    Args:
        lags: messages may have waited for their receiver, as those of a durable subscription do; then only a clock
            that is behind can be detected.

    Attributes:
        offset_ns: to be taken off a duration between the two clocks; 0 while both may be right.
    """

    def __init__(self, *, lags: bool = False) -> None:
        self.offset_ns = 0
        self._lags = lags
        self._publisher: Hashable = None
        self._shortest_ns: int | None = None
        self._round_trips_ns: int | None = None
        self._sent_at_ns = 0
        self._ahead_ns = _wall_clock_ahead_ns()

    def observe(self, packet: Packet, ping_ns: int | None) -> None:
        """Learn from a packet that was just delivered.

        Args:
            ping_ns: the longest of our own last pings to the node, until its pong; None if there was none.
        """
        if packet.delivered_at_ns is None:
            return
        if self._publisher != packet.stream:
            self._publisher, self._shortest_ns = packet.stream, None
        sent_at_ns = packet.captured_at_ns if packet.sent_at_ns is None else packet.sent_at_ns
        if self._was_set(sent_at_ns):
            self._shortest_ns = None
        took_ns = packet.delivered_at_ns - sent_at_ns
        self._shortest_ns = took_ns if self._shortest_ns is None else min(self._shortest_ns, took_ns)
        self._round_trips_ns = _both(packet, ping_ns)
        self.offset_ns = self._offset(self._shortest_ns, len(packet.jpeg))

    def _was_set(self, sent_at_ns: int) -> bool:
        """Whether one of the clocks was set since the last packet: ours in either direction, the publisher's back.

        A publisher's clock that is set forward shows by itself, as messages that take less than no time.
        """
        ahead_ns = _wall_clock_ahead_ns()
        ours_was_set = abs(ahead_ns - self._ahead_ns) > _PATIENCE_NS
        theirs_was_set = sent_at_ns < self._sent_at_ns - _PATIENCE_NS
        self._ahead_ns, self._sent_at_ns = ahead_ns, sent_at_ns
        return ours_was_set or theirs_was_set

    def _offset(self, shortest_ns: int, size: int) -> int:
        if shortest_ns < -_PRECISION_NS:
            return shortest_ns - (self._round_trips_ns or 0) // 2
        if self._round_trips_ns is None or self._lags:
            return 0
        is_plausible = shortest_ns < self._round_trips_ns + _PATIENCE_NS + size * _NS_PER_BYTE
        return 0 if is_plausible else shortest_ns - self._round_trips_ns // 2

    @property
    def uncertainty_ms(self) -> float | None:
        """By how much an age may be wrong either way; None while nothing bounds it."""
        if self._shortest_ns is None or self._round_trips_ns is None:
            return None
        highest_ns = self._shortest_ns - self.offset_ns
        return round(max(highest_ns, self._round_trips_ns - highest_ns, _PRECISION_NS) / 1e6, 1)


def _wall_clock_ahead_ns() -> int:
    """Return how far our wall clock is ahead of one that is never set."""
    return time.time_ns() - time.monotonic_ns()


def _both(packet: Packet, ping_ns: int | None) -> int | None:
    """Return both round trips together; a message without properties counts from the node, by its publish time."""
    if ping_ns is None:
        return None
    if packet.sent_at_ns is None:
        return ping_ns
    return None if packet.receipt_ns is None else ping_ns + packet.receipt_ns
