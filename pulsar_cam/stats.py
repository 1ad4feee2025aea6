"""What happened to the frames: counters, rates and ages, all bounded in memory."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Hashable, Sequence

import numpy as np

from .frame import Packet

_RATE_WINDOW_S = 2.0
_MOST_SAMPLES = 10_000
_CLOCK_PRECISION_MS = 1.0


class Rate:
    """Events per second over the last two seconds."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque(maxlen=1000)
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


class Ages:
    """Ages of the last 10,000 frames, in milliseconds.

    Age compares two clocks. A frame from the future has none; where most come from there, the clocks differ, and no
    age is told.
    """

    def __init__(self) -> None:
        self._samples_ms: deque[float] = deque(maxlen=_MOST_SAMPLES)

    def add(self, captured_at_ns: int) -> None:
        """Note that a frame captured at that Unix time, in nanoseconds, is shown now."""
        age_ms = (time.time_ns() - captured_at_ns) / 1e6
        # What clocks cannot tell exactly is no sign that they differ.
        self._samples_ms.append(max(age_ms, 0.0) if age_ms > -_CLOCK_PRECISION_MS else age_ms)

    @property
    def clocks_differ(self) -> bool:
        """Whether most frames seem to come from the future."""
        samples = tuple(self._samples_ms)
        return 2 * len(_possible(samples)) < len(samples)

    @property
    def newest_ms(self) -> float | None:
        """Age of the last frame, in milliseconds."""
        newest = _possible(tuple(self._samples_ms)[-1:])
        return newest[0] if newest and not self.clocks_differ else None

    def percentiles_ms(self) -> dict[str, float | None]:
        """Return p50, p95 and p99, in milliseconds."""
        names, possible = ("p50", "p95", "p99"), _possible(tuple(self._samples_ms))
        if not possible or self.clocks_differ:
            return dict.fromkeys(names)
        values = np.percentile(possible, (50, 95, 99))
        return {name: round(float(value), 1) for name, value in zip(names, values, strict=True)}


def _possible(ages_ms: Sequence[float]) -> Sequence[float]:
    return [age_ms for age_ms in ages_ms if age_ms >= 0]


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
    reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.most_common())
    return f"{dropped.total()} ({reasons})" if reasons else "0"
