"""Rates, on a clock of the test's own."""

from __future__ import annotations

import math
import time

import pytest

from pulsar_cam.measure.rates import Rate


class Clock:
    """Both of the machine's clocks, standing still until moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return round(self.now_s * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    monkeypatch.setattr(time, "time_ns", clock.time_ns)
    return clock


@pytest.mark.parametrize(("seconds", "fps"), [(10.0, 30), (1.0, 30), (10.0, 240)])
def test_rate_is_events_per_second(seconds: float, fps: int, clock: Clock) -> None:
    rate = Rate()
    for _ in range(round(seconds * fps)):
        clock.now_s += 1 / fps
        rate.count()
    assert rate.per_second == pytest.approx(fps, rel=0.02)


def test_rate_falls_to_nothing_within_two_seconds_and_begins_without_a_burst(clock: Clock) -> None:
    rate = Rate()
    rate.count()
    assert rate.per_second <= 10
    clock.now_s += 2.0
    assert rate.per_second == 0.0


def test_rate_keeps_a_bounded_number_of_times(clock: Clock) -> None:
    rate = Rate()
    for _ in range(5000):
        rate.count()
    assert len(rate._times_s) == 2000


def test_a_rate_knows_how_many_there_were_and_for_how_long_it_is_quiet(clock: Clock) -> None:
    rate = Rate()
    assert (rate.total, rate.quiet_s) == (0, math.inf)
    for _ in range(3):
        rate.count()
    clock.now_s += 7
    assert (rate.total, rate.quiet_s, rate.per_second) == (3, 7, 0)
