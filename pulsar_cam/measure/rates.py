"""What happened to the frames: rates, gaps and drops, all bounded in memory."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Hashable

from ..frame import Packet

_RATE_WINDOW_S = 2.0
_MOST_EVENTS = 2000


class Rate:
    """Events per second over the last two seconds."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque(maxlen=_MOST_EVENTS)
        self._started_s = time.monotonic()

    def count(self) -> None:
        """Note that one event happened now."""
        self._times_s.append(time.monotonic())

    @property
    def per_second(self) -> float:
        """Events per second; over the time since the start where that is shorter than the window."""
        now_s = time.monotonic()
        recent = sum(1 for at_s in tuple(self._times_s) if now_s - at_s < _RATE_WINDOW_S)
        return recent / max(0.1, min(_RATE_WINDOW_S, now_s - self._started_s))


class Gaps:
    """Sequence numbers that never came, and those that came again or too late, per session of a publisher.

    Attributes:
        missing: numbers that never came: frames that the publisher dropped, or that got lost.
        repeated: numbers that were not greater than the one before.
    """

    _MOST_SESSIONS = 1000

    def __init__(self) -> None:
        self.missing = 0
        self.repeated = 0
        self._last: dict[Hashable, int] = {}

    def follow(self, packet: Packet) -> None:
        """Note the number of a packet that arrived; one without a number is ignored."""
        if packet.sequence is None:
            return
        stream = (packet.source, packet.session)
        last = self._last.pop(stream, None)
        if last is not None and packet.sequence <= last:
            self.repeated += 1
        elif last is not None:
            self.missing += packet.sequence - last - 1
        self._last[stream] = max(packet.sequence, last or 0)
        if len(self._last) > self._MOST_SESSIONS:
            self._last.pop(next(iter(self._last)))


def dropped_text(dropped: Counter[str]) -> str:
    """Return counters by reason as ``12 (superseded 10, decode_error 2)``, or ``0``."""
    reasons = reasons_text(dropped)
    return f"{dropped.total()} ({reasons})" if reasons else "0"


def reasons_text(dropped: Counter[str]) -> str:
    """Return counters by reason as ``superseded 10, decode_error 2``; nothing, if there is none."""
    return ", ".join(f"{reason} {count}" for reason, count in dropped.most_common())


def reconnected_text(reconnects: int, recovery_s: float | None) -> str:
    """Return how often a session was opened again as ``, reconnected 3 times (the last in 1.2 s)``, or nothing."""
    times = "once (in" if reconnects == 1 else f"{reconnects} times (the last in"
    return f", reconnected {times} {recovery_s:.1f} s)" if recovery_s is not None else ""
