"""Every metric: its name, unit, help and value after a known run, and sums that hold at every scrape."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pulsar_cam.frame import Packet
from pulsar_cam.health.finding import Finding
from pulsar_cam.metrics.collector import registry_of
from pulsar_cam.metrics.families import FAMILIES
from pulsar_cam.metrics.monitor import NewestView, monitor_readings
from pulsar_cam.metrics.publisher import publisher_readings
from pulsar_cam.metrics.viewer import viewer_readings
from pulsar_cam.monitor.view import ProbeView, StreamView, SubscriptionView, TopicView, View
from pulsar_cam.publishing.control.setting import Setting
from pulsar_cam.publishing.stats import REASONS as PUBLISHER_REASONS
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.pulsar.wire import Delivery, Receipt
from pulsar_cam.watching.stats import REASONS as VIEWER_REASONS
from pulsar_cam.watching.stats import WatchStats
from scripts.metrics_table import PAGE, with_table

from ..lab.promtool import promtool

TOPIC = Topic.parse("cows")
P = {"role": "publisher", "topic": str(TOPIC)}
V = {"role": "viewer", "topic": str(TOPIC)}
M = {"role": "monitor", "topic": str(TOPIC)}
T = {"topic": str(TOPIC)}
PROBE = T | {"session": "kept", "payload_bytes": "50000", "stored": "yes"}
LIVELY = T | {"subscription": "wall"}

Expected: TypeAlias = dict[str, list[tuple[dict[str, str], Any]]]
MS = 1_000_000


def session(**values: object) -> Any:
    """Return what metrics ask of a producer or a consumer."""
    base = {
        "status": "connected", "is_connected": True, "has_opened": True, "reconnects": 2, "recovery_s": 1.25,
        "bad_messages": 1, "in_flight": 3, "window": 5, "receiver_queue": 6, "ping_s": 0.004,
        "pings_s": [0.004, 0.006], "jumps": 7,
    }  # fmt: skip
    return SimpleNamespace(**base | values)


def published() -> PublishStats:
    """Return the counters of a run with 10 frames, of which 2 were published, 5 dropped, and 3 are under way."""
    stats = PublishStats()
    stats.session = session()
    stats.source = SimpleNamespace(trouble="camera-0 stopped", losses=2, recovery_s=7.5, damaged=4)
    stats.network = SimpleNamespace(longest_block_ms=12.0, longest_work_ms=3.0)
    stats.captured_rate.total, stats.aim.changes, stats.cards = 10, 6, 8
    packet = Packet(b"x" * 100, 640, 480, captured_at_ns=0, encoded_at_ns=3 * MS, quality=70)
    accepted = Receipt("1", message_id="CAAQ", sent_at_ns=4 * MS, received_at_ns=24 * MS)
    stats._settle(packet, accepted)
    stats._settle(packet, accepted)
    for reason in ("superseded", "superseded", "superseded", "rejected", "in_flight_full"):
        stats.dropped.count(reason)
    stats.aim.setting = Setting(60, 0.5, 15.0)
    return stats


def watched() -> WatchStats:
    """Return the counters of a run with 6 messages, of which 2 were shown, 3 dropped, and 1 is under way."""
    stats = WatchStats()
    stats.session = session()
    stats.network = SimpleNamespace(longest_block_ms=12.0, longest_work_ms=3.0)
    stats.ages.limit_ms = 500
    for _ in range(6):
        stats.arrived(Delivery("CAAQADAA", b"x" * 100, published_at_ns=0, received_at_ns=0))
    now_ns = time.time_ns()
    packet = Packet(
        b"", 1280, 720, now_ns - 60 * MS, "camera-0", "5f2a9c01", 0, 75, now_ns - 50 * MS, now_ns - 40 * MS, 5 * MS,
        delivered_at_ns=now_ns,
    )  # fmt: skip
    for sequence in (4, 7, 7):
        stats.follow(replace(packet, sequence=sequence))
    for _ in range(2):
        stats.show(packet, now_ns + 8 * MS)
    stats.dropped.count("superseded")
    stats.dropped.count("too_old")
    stats.drop_card(replace(packet, notice="camera-0 stopped"))
    return stats


def seen() -> View:
    """Return a view with something in every place."""
    probe = ProbeView(
        "kept",
        50_000,
        True,
        300.0,
        receipt_ms=4.0,
        end_to_end_ms=9.0,
        sent=9,
        lost=1,
        refused=2,
        late=5,
        repeated=3,
        out_of_order=4,
    )
    wall = SubscriptionView("wall", True, 2, 40, 30.0)
    topic = TopicView(1, 30.0, 4e6, 60.0, 8e6, 10**9, 5 * 10**6, None, 3, (wall,))
    stream = StreamView(
        29.5,
        4e6,
        {"p50": 20.0, "p95": 40.0, "p99": 55.0},
        frames=300,
        missing=5,
        repeated=6,
        notice="no camera",
        silent_s=0.25,
    )
    findings = (Finding("node", "ok", "answers"), Finding("probes", "problem", "late"))
    return View(
        findings, (probe,), 12.0, idle_s=90.0, reconnects=1, topic=topic, stream=stream, at_ns=1_700_000_000 * 10**9
    )


def newest(view: View) -> NewestView:
    kept = NewestView()
    kept.take(view)
    return kept


@pytest.fixture
def registry() -> CollectorRegistry:
    return registry_of(
        publisher_readings(published(), TOPIC),
        viewer_readings(watched(), TOPIC),
        monitor_readings(newest(seen()), TOPIC),
    )


def between(low: float, high: float) -> Callable[[float], bool]:
    return lambda value: low <= value <= high


EXPECTED: Expected = {
    "pulsar_cam_build_info": [],  # its labels are the versions of here and now
    "pulsar_cam_captured_frames_total": [(P, 10)],
    "pulsar_cam_published_frames_total": [(P, 2)],
    "pulsar_cam_received_frames_total": [(V, 6), (M, 300)],
    "pulsar_cam_shown_frames_total": [(V, 2)],
    "pulsar_cam_dropped_frames_total": [
        (P | {"reason": "superseded"}, 3), (P | {"reason": "rejected"}, 1), (P | {"reason": "in_flight_full"}, 1),
        (P | {"reason": "stopped"}, 0), (V | {"reason": "superseded"}, 1), (V | {"reason": "too_old"}, 1),
        (V | {"reason": "notice"}, 1), (V | {"reason": "paused"}, 0),
    ],
    "pulsar_cam_under_way_frames": [(P, 3), (V, 1)],
    "pulsar_cam_published_bytes_total": [(P, 200)],
    "pulsar_cam_received_bytes_total": [(V, 600)],
    "pulsar_cam_published_cards_total": [(P, 8)],
    "pulsar_cam_stage_duration_seconds": [
        (P | {"stage": "encode", "le": "0.002"}, 0), (P | {"stage": "encode", "le": "0.005"}, 2),
        (P | {"stage": "queue", "le": "0.001"}, 2), (P | {"stage": "receipt", "le": "0.015"}, 0),
        (P | {"stage": "receipt", "le": "+Inf"}, 2), (V | {"stage": "encode", "le": "0.01"}, 3),
        (V | {"stage": "transport", "le": "0.03"}, 0), (V | {"stage": "decode", "le": "0.01"}, 2),
    ],
    "pulsar_cam_frame_age_seconds": [(V | {"le": "0.05"}, 0), (V | {"le": "+Inf"}, 2)],
    "pulsar_cam_rate_frames_per_second": [(P, between(1, 20)), (V, between(1, 20))],
    "pulsar_cam_jpeg_quality": [(P, 70), (V, 75)],
    "pulsar_cam_picture_width_pixels": [(P, 640), (V, 1280)],
    "pulsar_cam_picture_height_pixels": [(P, 480), (V, 720)],
    "pulsar_cam_connected": [(P, 1), (V, 1)],
    "pulsar_cam_reconnects_total": [(P, 2), (V, 2), (M, 1)],
    "pulsar_cam_last_recovery_seconds": [(P, 1.25), (V, 1.25)],
    "pulsar_cam_round_trip_seconds": [(P, 0.004), (V, 0.004)],
    "pulsar_cam_window_messages": [(P, 5), (V, 6)],
    "pulsar_cam_bad_messages_total": [(P, 1), (V, 1)],
    "pulsar_cam_loop_blocked_seconds": [(P, 0.012), (V, 0.012)],
    "pulsar_cam_loop_work_seconds": [(P, 0.003), (V, 0.003)],
    "pulsar_cam_in_flight_messages": [(P, 3)],
    "pulsar_cam_aim_jpeg_quality": [(P, 60)],
    "pulsar_cam_aim_scale_ratio": [(P, 0.5)],
    "pulsar_cam_aim_rate_frames_per_second": [(P, 15)],
    "pulsar_cam_setting_changes_total": [(P, 6)],
    "pulsar_cam_camera_lost": [(P, 1)],
    "pulsar_cam_camera_losses_total": [(P, 2)],
    "pulsar_cam_camera_last_recovery_seconds": [(P, 7.5)],
    "pulsar_cam_camera_damaged_frames_total": [(P, 4)],
    "pulsar_cam_max_age_seconds": [(V, 0.5)],
    "pulsar_cam_notice": [(V, 1), (M, 1)],
    "pulsar_cam_jumps_total": [(V, 7)],
    "pulsar_cam_missing_frames_total": [(V, 2), (M, 5)],
    "pulsar_cam_repeated_frames_total": [(V, 1), (M, 6)],
    "pulsar_cam_clock_offset_seconds": [(V, 0)],
    "pulsar_cam_clock_uncertainty_seconds": [(V, between(0.01, 0.06))],
    "pulsar_cam_monitor_state": [
        (T | {"part": "node", "state": "ok"}, 1), (T | {"part": "node", "state": "problem"}, 0),
        (T | {"part": "probes", "state": "ok"}, 0), (T | {"part": "probes", "state": "problem"}, 1),
    ],
    "pulsar_cam_monitor_view_timestamp_seconds": [(T, 1_700_000_000)],
    "pulsar_cam_connect_seconds": [(T, 0.012)],
    "pulsar_cam_idle_session_seconds": [(T, 90)],
    "pulsar_cam_probe_receipt_seconds": [(PROBE, 0.004)],
    "pulsar_cam_probe_end_to_end_seconds": [(PROBE, 0.009)],
    "pulsar_cam_probe_budget_seconds": [(PROBE, 0.3)],
    "pulsar_cam_sent_probes_total": [(PROBE, 9)],
    "pulsar_cam_lost_probes_total": [(PROBE, 1)],
    "pulsar_cam_refused_probes_total": [(PROBE, 2)],
    "pulsar_cam_late_probes_total": [(PROBE, 5)],
    "pulsar_cam_repeated_probes_total": [(PROBE, 3)],
    "pulsar_cam_out_of_order_probes_total": [(PROBE, 4)],
    "pulsar_cam_topic_publishers": [(T, 1)],
    "pulsar_cam_topic_consumers": [(T, 2)],
    "pulsar_cam_topic_in_messages_per_second": [(T, 30)],
    "pulsar_cam_topic_in_bytes_per_second": [(T, 4e6)],
    "pulsar_cam_topic_out_messages_per_second": [(T, 60)],
    "pulsar_cam_topic_out_bytes_per_second": [(T, 8e6)],
    "pulsar_cam_topic_storage_bytes": [(T, 1e9)],
    "pulsar_cam_topic_backlog_bytes": [(T, 5e6)],
    "pulsar_cam_topic_backlog_limit_bytes": [(T, math.inf)],
    "pulsar_cam_topic_partitions": [(T, 3)],
    "pulsar_cam_topic_subscriptions": [(T, 1)],
    "pulsar_cam_subscription_backlog_messages": [(LIVELY, 40)],
    "pulsar_cam_subscription_consumers": [(LIVELY, 2)],
    "pulsar_cam_stream_rate_frames_per_second": [(T, 29.5)],
    "pulsar_cam_stream_rate_bytes_per_second": [(T, 4e6)],
    "pulsar_cam_stream_age_seconds": [(T | {"percentile": "p50"}, 0.02), (T | {"percentile": "p99"}, 0.055)],
    "pulsar_cam_stream_silent_seconds": [(T, 0.25)],
}  # fmt: skip


def test_every_family_is_tested_here() -> None:
    assert list(EXPECTED) == [family.full_name for family in FAMILIES]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_family_has_its_values(registry: CollectorRegistry, name: str) -> None:
    kinds = {family.full_name: family.kind for family in FAMILIES}
    sample = f"{name}_bucket" if kinds[name] == "histogram" else name
    for labels, value in EXPECTED[name]:
        found = registry.get_sample_value(sample, labels)
        assert found is not None, labels
        assert value(found) if callable(value) else found == pytest.approx(value)


def test_the_build_says_which_version_runs(registry: CollectorRegistry) -> None:
    text = generate_latest(registry).decode()
    assert re.search(r'^pulsar_cam_build_info{python="3\.\d+\.\d+\w*",version=".+"} 1.0$', text, re.MULTILINE)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.full_name)
def test_a_family_has_help_and_a_unit_by_convention(family: Any) -> None:
    assert re.fullmatch(r"[A-Z1].*[^ ]\.", family.help)
    assert family.name.endswith(family.unit)
    without_unit = (
        "build",
        "jpeg_quality",
        "aim_jpeg_quality",
        "connected",
        "camera_lost",
        "notice",
        "monitor_state",
    )
    assert family.unit or family.name in without_unit
    assert not re.search(r"_(ms|milliseconds|kb|mb|percent|minutes)(_|$)", family.name)


def test_all_of_it_is_openmetrics_with_one_help_for_each_family(registry: CollectorRegistry) -> None:
    text: str = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    read = {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    for family in FAMILIES:
        shown = read[f"pulsar_cam_{family.name}"]
        assert (shown.documentation, shown.type, shown.unit) == (family.help, family.kind, family.unit)
    assert read["process_resident_memory_bytes"].samples


def test_promtool_has_nothing_to_say(registry: CollectorRegistry) -> None:
    assert promtool("check", "metrics", read=generate_latest(registry)) == ""


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


def test_nothing_is_registered_for_the_whole_process() -> None:
    from prometheus_client import REGISTRY

    before = {each.name for each in REGISTRY.collect()}
    registry_of(publisher_readings(published(), TOPIC))
    assert {each.name for each in REGISTRY.collect()} == before
    assert not [name for name in before if name.startswith("pulsar_cam")]


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


def test_subscriptions_of_strangers_are_bounded_in_number_and_made_showable() -> None:
    names = [f"s{number}" for number in range(1000)] + ['\x1b[2J"\n\\' + "x" * 1000]
    subscriptions = tuple(SubscriptionView(name, False, 1, 10 * number, 0) for number, name in enumerate(names))
    view = seen()
    assert view.topic
    view = replace(view, topic=replace(view.topic, subscriptions=subscriptions))
    registry = registry_of(monitor_readings(newest(view), TOPIC))
    assert registry.get_sample_value("pulsar_cam_topic_subscriptions", T) == 1001
    text = generate_latest(registry).decode()
    lines = [line for line in text.splitlines() if line.startswith("pulsar_cam_subscription_backlog_messages{")]
    assert len(lines) == 20
    assert 'subscription="s999"' in text
    assert "\x1b" not in text
    assert max(map(len, lines)) < 300


def test_the_table_in_the_documentation_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert with_table(page) == page
