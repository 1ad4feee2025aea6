"""What is kept of a recording: bounded, however long it is, with all extremes."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

_MOST_BUCKETS = 400
_MOST_RUNS = 400
_MOST_EVENTS = 100

SEVERITIES = ("ok", "skipped", "warning", "problem")
"""States, from the best to the worst."""


@dataclass(slots=True)
class _Bucket:
    """Lowest and highest of some values in a row, each with its time; both NaN for a gap."""

    low_at_s: float
    low: float
    high_at_s: float
    high: float
    count: int = 1

    def take(self, other: _Bucket) -> None:
        """Become the bucket of both."""
        if not self.low <= other.low:
            self.low_at_s, self.low = other.low_at_s, other.low
        if not self.high >= other.high:
            self.high_at_s, self.high = other.high_at_s, other.high
        self.count += other.count


class Series:
    """Values over time. Beyond some hundred, neighbours are kept as their lowest and highest only."""

    def __init__(self) -> None:
        self._buckets: list[_Bucket] = []
        self._width = 1

    def add(self, at_s: float, value: float | None) -> None:
        """Note a value; None for a moment without one, which is a gap."""
        number = math.nan if value is None else value
        new = _Bucket(at_s, number, at_s, number)
        last = self._buckets[-1] if self._buckets else None
        if last and last.count < self._width and not math.isnan(number):
            last.take(new)
        elif not (last and math.isnan(number) and math.isnan(last.low)):
            self._buckets.append(new)
        if len(self._buckets) > _MOST_BUCKETS:
            self._halve()

    def _halve(self) -> None:
        for even, odd in zip(self._buckets[::2], self._buckets[1::2], strict=False):
            if not math.isnan(odd.low):
                even.take(odd)
        del self._buckets[1::2]
        self._width *= 2

    def points(self) -> tuple[list[float], list[float]]:
        """Return times, Unix in seconds, and values, with NaN in gaps."""
        points: list[tuple[float, float]] = []
        for bucket in self._buckets:
            pair = ((bucket.low_at_s, bucket.low), (bucket.high_at_s, bucket.high))
            points += pair[:1] if bucket.low_at_s == bucket.high_at_s else sorted(pair)
        return [at_s for at_s, _ in points], [value for _, value in points]

    @property
    def is_empty(self) -> bool:
        """Whether there is no value in it."""
        return all(math.isnan(bucket.low) for bucket in self._buckets)


class States:
    """The states of one part over time, as runs. Beyond some hundred, the worst of two neighbours is kept."""

    def __init__(self) -> None:
        self.runs: list[tuple[float, float, str]] = []

    def add(self, at_s: float, state: str) -> None:
        """Note the state from a moment on."""
        if self.runs:
            from_s, _, last = self.runs[-1]
            self.runs[-1] = (from_s, at_s, last)
        if not self.runs or self.runs[-1][2] != state:
            self.runs.append((at_s, at_s, state))
        if len(self.runs) > _MOST_RUNS:
            self.runs = [_joined(self.runs[first : first + 2]) for first in range(0, len(self.runs), 2)]


def _joined(runs: list[tuple[float, float, str]]) -> tuple[float, float, str]:
    return runs[0][0], runs[-1][1], max((state for _, _, state in runs), key=SEVERITIES.index)


@dataclass(slots=True)
class Total:
    """A counter that only grows, of one run or of several in a row, which begin at 0."""

    total: float = 0.0
    _last: tuple[float, float] | None = None

    def add(self, at_s: float, count: float) -> float | None:
        """Note what it says, and return by how much a second it grew; None where that cannot be known."""
        last_s, last = self._last or (at_s, 0.0)
        is_new = self._last is None or count < last
        grown = count if is_new else count - last
        self.total += grown
        self._last = (at_s, count)
        return None if is_new or at_s <= last_s else grown / (at_s - last_s)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a moment, Unix time in seconds."""

    at_s: float
    what: str
    says: str


@dataclass(slots=True)
class Events:
    """The first and the last hundred things that happened."""

    first: list[Event] = field(default_factory=list)
    last: deque[Event] = field(default_factory=lambda: deque(maxlen=_MOST_EVENTS))
    count: int = 0
    _keys: dict[str, str] = field(default_factory=dict)

    def note(self, at_s: float, what: str, key: str, says: str) -> None:
        """Note what has a key that is new; how a part is at first is not news if it is well."""
        before = self._keys.get(what)
        self._keys[what] = key
        if key != before and not (before is None and key in ("ok", "skipped")):
            self._add(Event(at_s, what, says))

    def _add(self, event: Event) -> None:
        self.count += 1
        (self.first if len(self.first) < _MOST_EVENTS else self.last).append(event)
