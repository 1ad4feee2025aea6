"""How often something happens, in bounded memory."""

from __future__ import annotations

import math
import time
from collections import deque

_WINDOW_S = 2.0
_MOST_EVENTS = 2000


class Rate:
    """Events per second over the last two seconds, and how many there were.

    Attributes:
        total: events since the start.
    """

    def __init__(self) -> None:
        self.total = 0
        self._times_s: deque[float] = deque(maxlen=_MOST_EVENTS)
        self._started_s = time.monotonic()

    def count(self) -> None:
        """Note that one event happened now."""
        self.total += 1
        self._times_s.append(time.monotonic())

    @property
    def per_second(self) -> float:
        """Events per second; over the time since the start where that is shorter than the window."""
        now_s = time.monotonic()
        recent = sum(1 for at_s in tuple(self._times_s) if now_s - at_s < _WINDOW_S)
        return recent / max(0.1, min(_WINDOW_S, now_s - self._started_s))

    @property
    def quiet_s(self) -> float:
        """Seconds since the last event; infinite before the first."""
        try:
            return time.monotonic() - self._times_s[-1]
        except IndexError:
            return math.inf
