"""Metrics of a publisher and a viewer: what there is from the start, and sums that hold at every scrape."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulsar_cam.metrics.collector import registry_of
from pulsar_cam.metrics.monitor import NewestView, monitor_readings
from pulsar_cam.metrics.publisher import publisher_readings
from pulsar_cam.metrics.viewer import viewer_readings
from pulsar_cam.publishing.stats import REASONS as PUBLISHER_REASONS
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.watching.stats import REASONS as VIEWER_REASONS
from pulsar_cam.watching.stats import WatchStats

from .runs import MS, TOPIC, P, V


def test_a_run_that_has_not_begun_has_its_counters_at_0() -> None:
    stats, viewed = PublishStats(), WatchStats()
    registry = registry_of(
        publisher_readings(stats, TOPIC),
        viewer_readings(viewed, TOPIC),
        monitor_readings(NewestView(), TOPIC),
    )
    counters = [each for each in registry.collect() if each.type == "counter" and each.name.startswith("pulsar_cam")]
    assert len(counters) == 16
    assert all(sample.value == 0 for each in counters for sample in each.samples)
    for labels, reasons in ((P, PUBLISHER_REASONS), (V, VIEWER_REASONS)):
        for reason in reasons:
            assert registry.get_sample_value("pulsar_cam_dropped_frames_total", labels | {"reason": reason}) == 0
    assert registry.get_sample_value("pulsar_cam_connected", P) == 0


@pytest.mark.parametrize(("kind", "reasons"), [(PublishStats, PUBLISHER_REASONS), (WatchStats, VIEWER_REASONS)])
def test_the_known_reasons_are_those_that_are_explained(kind: type, reasons: tuple[str, ...]) -> None:
    described = (kind.__doc__ or "").partition("Reasons of drops:")[2].partition("\n\n")[0]
    assert set(re.findall(r"``(\w+)``", described)) == set(reasons)
    table = (Path(__file__).parents[2] / "docs" / "counters.md").read_text(encoding="utf-8")
    assert not [reason for reason in reasons if f"`{reason}`" not in table]


@pytest.mark.parametrize("role", ["publisher", "viewer"])
def test_sums_hold_whenever_somebody_asks(role: str) -> None:
    """While a thread counts as fast as it can, in the order in which frames come and go."""
    published, watched, stop = PublishStats(), WatchStats(), threading.Event()

    def count(step: Callable[[], None]) -> None:
        while not stop.is_set():
            step()

    def publish() -> None:
        published.captured_rate.count()
        published.dropped.count("superseded")
        published.captured_rate.count()
        published.stages["encode"].add(7 * MS)
        published.published_rate.count()

    def watch() -> None:
        watched.received += 1
        watched.dropped.count("too_old")
        watched.received += 1
        watched.ages.shown.add(7 * MS)
        watched.shown_rate.count()

    readings = publisher_readings(published, TOPIC) if role == "publisher" else viewer_readings(watched, TOPIC)
    registry, labels = registry_of(readings), P if role == "publisher" else V
    came, went = ("captured", "published") if role == "publisher" else ("received", "shown")
    thread = threading.Thread(target=count, args=(publish if role == "publisher" else watch,))
    thread.start()
    try:
        for _ in range(30):
            samples = [sample for family in registry.collect() for sample in family.samples]
            values = {each.name: each.value for each in samples if each.labels == labels}
            dropped = sum(each.value for each in samples if each.name == "pulsar_cam_dropped_frames_total")
            under_way = values["pulsar_cam_under_way_frames"]
            total = values[f"pulsar_cam_{went}_frames_total"] + dropped + under_way
            assert values[f"pulsar_cam_{came}_frames_total"] == total
            assert under_way >= 0
            _assert_cumulative(samples)
    finally:
        stop.set()
        thread.join(30)


def _assert_cumulative(samples: list[Any]) -> None:
    name = "pulsar_cam_stage_duration_seconds"
    buckets: dict[str, list[float]] = {}
    for sample in samples:
        if sample.name == f"{name}_bucket":
            buckets.setdefault(sample.labels["stage"], []).append(sample.value)
    counts = {sample.labels["stage"]: sample.value for sample in samples if sample.name == f"{name}_count"}
    assert buckets
    for stage, values in buckets.items():
        assert values == sorted(values)
        assert values[-1] == counts[stage]
