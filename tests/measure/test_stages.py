"""Durations of stages: percentiles of the last ones, in words and numbers."""

from __future__ import annotations

import pytest

from pulsar_cam.measure.stages import BUCKETS_S, Durations, Stages


def test_percentiles_are_in_milliseconds() -> None:
    durations = Durations()
    for milliseconds in range(1, 101):
        durations.add(milliseconds * 1_000_000)
    assert durations.percentiles_ms() == {"p50": 50.5, "p95": 95.0, "p99": 99.0}
    assert durations.newest_ms == 100.0


def test_nothing_measured_has_no_percentiles() -> None:
    assert Durations().percentiles_ms() == {"p50": None, "p95": None, "p99": None}
    assert Durations().newest_ms is None


def test_only_the_last_durations_count() -> None:
    durations = Durations()
    durations.add(10**12)
    for _ in range(4096):
        durations.add(5_000_000)
    assert durations.percentiles_ms() == {"p50": 5.0, "p95": 5.0, "p99": 5.0}
    assert durations.newest_ms == 5.0


def test_a_stage_lies_between_two_readings_that_are_known() -> None:
    stages = Stages("encode", "queue")
    stages.between("encode", 1_000_000, 4_500_000)
    stages.between("queue", None, 4_500_000)
    stages.between("queue", 4_500_000, None)
    assert stages["encode"].newest_ms == 3.5
    assert stages["queue"].newest_ms is None
    assert stages.percentiles_ms()["encode"]["p99"] == 3.5


def test_the_text_names_what_was_measured_in_order() -> None:
    stages = Stages("encode", "queue", "receipt")
    assert stages.text == ""
    stages["receipt"].add(12_345_678)
    stages["encode"].add(1_230_000)
    assert stages.text == "encode 1.2/1.2/1.2  receipt 12/12/12 ms"


def test_all_durations_since_the_start_are_counted_by_length() -> None:
    durations = Durations()
    for nanoseconds in (-5, 0, 1_000_000, 1_000_001, 500_000_000, 10**10, 10**11):
        durations.add(nanoseconds)
    by_bound = dict(zip((*BUCKETS_S, None), durations.cumulative, strict=True))
    assert (by_bound[0.001], by_bound[0.002], by_bound[0.3], by_bound[0.5]) == (3, 4, 4, 5)
    assert (by_bound[5.0], by_bound[10.0], by_bound[None]) == (5, 6, 7)
    assert durations.total_s == pytest.approx(110.502000001)


def test_counts_go_on_when_the_last_durations_have_passed() -> None:
    durations = Durations()
    for _ in range(5000):
        durations.add(1)
    assert durations.cumulative[-1] == 5000


def test_stages_are_yielded_in_order() -> None:
    assert [name for name, _ in Stages("encode", "queue", "receipt")] == ["encode", "queue", "receipt"]
