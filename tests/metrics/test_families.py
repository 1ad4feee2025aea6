"""Every metric: its name, unit and help, and its value after a known run."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from prometheus_client import CollectorRegistry

from pulsar_cam.metrics.families import FAMILIES
from scripts.metrics_table import PAGE, with_table

from .runs import LIVELY, PROBE, M, P, T, V

Expected: TypeAlias = dict[str, list[tuple[dict[str, str], Any]]]


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
    "pulsar_cam_stalled": [(P, 0), (V, 0)],
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


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.full_name)
def test_a_family_has_help_and_a_unit_by_convention(family: Any) -> None:
    assert re.fullmatch(r"[A-Z1].*[^ ]\.", family.help)
    assert family.name.endswith(family.unit)
    without_unit = (
        "build",
        "jpeg_quality",
        "aim_jpeg_quality",
        "connected",
        "stalled",
        "camera_lost",
        "notice",
        "monitor_state",
    )
    assert family.unit or family.name in without_unit
    assert not re.search(r"_(ms|milliseconds|kb|mb|percent|minutes)(_|$)", family.name)


def test_the_table_in_the_documentation_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert with_table(page) == page
