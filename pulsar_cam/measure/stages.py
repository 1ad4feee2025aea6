"""Where the time of a frame goes: how long each stage of its way took, of the last few thousand frames and of all."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

_MOST_SAMPLES = 4096

BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds of the buckets that all durations are counted in, in seconds; what is longer has one of its own."""

Percentiles: TypeAlias = dict[str, float | None]
"""``p50``, ``p95`` and ``p99`` in milliseconds; None while nothing was measured."""


class Durations:
    """The last durations of one stage, by default 4096, and the counts of all since the start, by length.

    Attributes:
        total_s: the sum of all since the start, in seconds; those below 0, which clocks can make, count as 0.
    """

    def __init__(self, most: int = _MOST_SAMPLES) -> None:
        self.total_s = 0.0
        self._counts = [0] * (len(BUCKETS_S) + 1)
        self._most = most
        self._ring_ms = np.zeros(most)
        self._count = 0

    def add(self, duration_ns: int) -> None:
        """Note one duration, in nanoseconds."""
        self._ring_ms[self._count % self._most] = duration_ns / 1e6
        self._count += 1
        duration_s = max(duration_ns, 0) / 1e9
        self._counts[bisect_left(BUCKETS_S, duration_s)] += 1
        self.total_s += duration_s

    @property
    def cumulative(self) -> list[int]:
        """How many took at most as long as each of BUCKETS_S, since the start, and in the end how many there were."""
        return list(itertools.accumulate(self._counts.copy()))  # a copy: asked from other threads, too

    @property
    def newest_ms(self) -> float | None:
        """The last duration, in milliseconds."""
        return float(self._ring_ms[(self._count - 1) % self._most]) if self._count else None

    def percentiles_ms(self) -> Percentiles:
        """Return p50, p95 and p99, in milliseconds."""
        names = ("p50", "p95", "p99")
        if not self._count:
            return dict.fromkeys(names)
        values = np.percentile(self._ring_ms[: self._count], (50, 95, 99))
        return {name: round(float(value), 1) for name, value in zip(names, values, strict=True)}


class Stages:
    """The stages of one side of the data path, in the order in which a frame passes them."""

    def __init__(self, *names: str) -> None:
        self._durations = {name: Durations() for name in names}

    def __getitem__(self, name: str) -> Durations:
        return self._durations[name]

    def __iter__(self) -> Iterator[tuple[str, Durations]]:
        """Yield each stage's name and durations."""
        yield from self._durations.items()

    def between(self, name: str, from_ns: int | None, to_ns: int | None) -> None:
        """Note that a stage took from one reading of a clock to another, both Unix times, where both are known."""
        if from_ns is not None and to_ns is not None:
            self[name].add(to_ns - from_ns)

    def percentiles_ms(self) -> dict[str, Percentiles]:
        """Return p50, p95 and p99 of each stage, in milliseconds."""
        return {name: durations.percentiles_ms() for name, durations in self._durations.items()}

    @property
    def lines(self) -> list[str]:
        """p50, p95 and p99 of the stages that were measured, each as ``encode 3.1/5.0/7.2``; in milliseconds."""
        known = {name: each for name, each in self.percentiles_ms().items() if each["p50"] is not None}
        return [f"{name} {'/'.join(_short(value) for value in each.values())}" for name, each in known.items()]

    @property
    def text(self) -> str:
        """The same in one line, as ``encode 3.1/5.0/7.2  transport 6.0/8.3/12 ms``; empty before the first frame."""
        lines = self.lines
        return f"{'  '.join(lines)} ms" if lines else ""


def _short(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f}" if abs(milliseconds) < 10 else f"{milliseconds:.0f}"
