"""Counters, rates and gaps, on a clock of the test's own."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from pulsar_cam.frame import Packet
from pulsar_cam.measure.rates import Gaps, Rate, dropped_text, reconnected_text


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


def numbered(sequence: int | None, session: str | None = "a", source: str = "camera-0") -> Packet:
    return Packet(b"", 1, 1, captured_at_ns=0, source=source, session=session, sequence=sequence)


@pytest.mark.parametrize(
    ("sequences", "missing", "repeated"),
    [
        ([0, 1, 2], 0, 0),
        ([5, 6], 0, 0),
        ([0, 1, 4, 5, 9], 5, 0),
        ([0, 1, 1, 2], 0, 1),
        ([0, 3, 1, 2, 4], 2, 2),
        ([7, None, 8], 0, 0),
        ([], 0, 0),
    ],
)
def test_gaps_and_repeats_follow_the_numbers(sequences: list[int | None], missing: int, repeated: int) -> None:
    gaps = Gaps()
    for sequence in sequences:
        gaps.follow(numbered(sequence))
    assert (gaps.missing, gaps.repeated) == (missing, repeated)


def test_each_session_of_each_source_is_followed_by_itself() -> None:
    gaps = Gaps()
    for packet in (
        numbered(100, "a"), numbered(0, "b"), numbered(0, "a", "camera-1"), numbered(0, None),
        numbered(101, "a"), numbered(2, "b"), numbered(1, "a", "camera-1"), numbered(1, None),
    ):  # fmt: skip
        gaps.follow(packet)
    assert (gaps.missing, gaps.repeated) == (1, 0)


def test_only_so_many_sessions_are_remembered_and_the_busy_ones_stay() -> None:
    gaps = Gaps()
    for number in range(3000):
        gaps.follow(numbered(number, "busy"))
        gaps.follow(numbered(0, f"session {number}"))
    assert len(gaps._last) == 1000
    gaps.follow(numbered(3001, "busy"))
    assert (gaps.missing, gaps.repeated) == (1, 0)


@pytest.mark.parametrize(
    ("dropped", "text"),
    [({}, "0"), ({"paused": 1}, "1 (paused 1)"), ({"a": 2, "b": 10}, "12 (b 10, a 2)")],
)
def test_drops_are_told_with_their_reasons(dropped: dict[str, int], text: str) -> None:
    assert dropped_text(Counter(dropped)) == text


def test_reconnections_are_told_with_their_time() -> None:
    assert [reconnected_text(*each) for each in ((0, None), (1, 1.25), (3, 0.7))] == [
        "",
        ", reconnected once (in 1.2 s)",
        ", reconnected 3 times (the last in 0.7 s)",
    ]
