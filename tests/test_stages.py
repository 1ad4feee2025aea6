"""Durations of stages: percentiles of the last ones, in words and numbers."""

from __future__ import annotations

from pulsar_cam.stages import Durations, Stages


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
