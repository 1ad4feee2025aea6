"""Curves, states and events in bounded memory."""

from __future__ import annotations

import math

from pulsar_cam.report.page import page_of
from pulsar_cam.report.series import Series, States, Total

from .recordings import line, recorded


def test_long_recordings_keep_few_points_and_all_extremes() -> None:
    series = Series()
    for second in range(100_000):
        series.add(second, 1000.0 if second == 77_777 else -5.0 if second == 33_333 else 1.0)
    times_s, values = series.points()
    assert len(values) <= 800
    assert (max(values), times_s[values.index(max(values))]) == (1000.0, 77_777)
    assert (min(values), times_s[values.index(min(values))]) == (-5.0, 33_333)
    assert times_s == sorted(times_s)


def test_a_gap_is_one() -> None:
    series = Series()
    for second, value in enumerate([1.0, None, None, 2.0]):
        series.add(second, value)
    _, values = series.points()
    assert [math.isnan(value) for value in values] == [False, True, False]
    for second in range(5000):
        series.add(second, None if second % 2 else 1.0)
    assert len(series.points()[0]) <= 800


def test_states_are_runs_and_few() -> None:
    states = States()
    for second, state in enumerate(["ok", "ok", "problem", "ok"]):
        states.add(second, state)
    assert states.runs == [(0, 2, "ok"), (2, 3, "problem"), (3, 3, "ok")]
    for second in range(4, 10_000):
        states.add(second, ("ok", "problem")[second % 2])
    assert len(states.runs) <= 401
    assert states.runs[-1][1] == 9999


def test_many_events_are_not_all_kept() -> None:
    recording = recorded(*(line(second, status="lost" if second % 2 else "connected") for second in range(1000)))
    assert len(recording.events.first) == len(recording.events.last) == 100
    assert "800 more in between are left out" in page_of([recording], 0)


def test_a_counter_that_begins_anew_goes_on() -> None:
    total = Total()
    rates = [total.add(second, count) for second, count in enumerate([5, 15, 15, 3, 6])]
    assert rates == [None, 10.0, 0.0, None, 3.0]
    assert total.total == 21
