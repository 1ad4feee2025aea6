"""The alert rules and the dashboard: valid, about metrics that exist, and quiet or firing when they should be."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from pulsar_cam.metrics.families import FAMILIES

from ..lab.promtool import ALERTS, FOLDER, alert_names, firing_at, promtool

PUBLISHER = '{job="pulsar-cam-publish",instance="a:1",role="publisher",topic="t"}'
VIEWER = '{job="pulsar-cam-watch",instance="b:1",role="viewer",topic="t"}'
MONITOR = '{job="pulsar-cam-monitor",instance="c:1",topic="t"}'
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def labelled(labels: str, **more: str) -> str:
    """Return labels with others beside them."""
    return labels[:-1] + "".join(f',{name}="{value}"' for name, value in more.items()) + "}"


# For each alert, series with a value every 15 s, and how many of it fire at a minute.
CASES: dict[str, tuple[dict[str, str], dict[float, int]]] = {
    "PulsarCamTargetDown": (
        {'up{job="pulsar-cam-watch",instance="b:1"}': "1x8 0x12", 'up{job="other",instance="d:1"}': "0x20"},
        {2: 0, 2.75: 0, 4: 1},
    ),
    "PulsarCamCameraLost": ({f"pulsar_cam_camera_lost{PUBLISHER}": "0x8 1x8 0x8"}, {2.25: 0, 3.5: 1, 5: 0}),
    "PulsarCamNotPublishing": (
        {
            f"pulsar_cam_published_frames_total{PUBLISHER}": "0+450x8 3600x20",
            f"pulsar_cam_published_frames_total{labelled(PUBLISHER, of='lost')}": "0x28",
            f"pulsar_cam_camera_lost{PUBLISHER}": "0x28",
            f"pulsar_cam_camera_lost{labelled(PUBLISHER, of='lost')}": "1x28",
        },
        {2: 0, 3: 0, 6: 1},
    ),
    "PulsarCamDisconnected": (
        {f"pulsar_cam_connected{PUBLISHER}": "1x8 0x12", f"pulsar_cam_connected{VIEWER}": "1x20"},
        {2.25: 0, 4: 1},
    ),
    "PulsarCamStalled": (
        {f"pulsar_cam_stalled{VIEWER}": "0x8 1x12", f"pulsar_cam_stalled{PUBLISHER}": "0x8 1x1 0x11"},
        {2.25: 0, 4: 1},
    ),
    "PulsarCamReconnecting": (
        {f"pulsar_cam_reconnects_total{PUBLISHER}": "0x8 0+1x12", f"pulsar_cam_reconnects_total{VIEWER}": "0x8 1x12"},
        {2: 0, 5: 1},
    ),
    "PulsarCamSlow": (
        {
            f"pulsar_cam_captured_frames_total{PUBLISHER}": "0+450x40",
            f"pulsar_cam_published_frames_total{PUBLISHER}": "0+450x8 3600+150x32",
            f"pulsar_cam_aim_rate_frames_per_second{PUBLISHER}": "30x40",
            f"pulsar_cam_dropped_frames_total{labelled(PUBLISHER, reason='no_viewer')}": "0x28 0+200x12",
            f"pulsar_cam_captured_frames_total{labelled(PUBLISHER, of='night')}": "0+225x40",  # 15 frames a second
            f"pulsar_cam_published_frames_total{labelled(PUBLISHER, of='night')}": "0+225x40",
            f"pulsar_cam_aim_rate_frames_per_second{labelled(PUBLISHER, of='night')}": "30x40",
        },
        {2: 0, 6: 1, 9: 0},
    ),
    "PulsarCamDropping": (
        {
            f"pulsar_cam_captured_frames_total{PUBLISHER}": "0+450x60",
            f"pulsar_cam_dropped_frames_total{labelled(PUBLISHER, reason='in_flight_full')}": "0x8 0+60x52",
            f"pulsar_cam_dropped_frames_total{labelled(PUBLISHER, reason='superseded')}": "0x8 0+60x52",
            f"pulsar_cam_received_frames_total{VIEWER}": "0+450x60",
            f"pulsar_cam_dropped_frames_total{labelled(VIEWER, reason='paused')}": "0+450x60",
            f"pulsar_cam_received_frames_total{labelled(VIEWER, of='busy')}": "0+450x60",
            f"pulsar_cam_dropped_frames_total{labelled(VIEWER, of='busy', reason='superseded')}": "0x8 0+100x52",
        },
        {2: 0, 6: 0, 14: 2},
    ),
    "PulsarCamFramesOld": (
        {
            f"pulsar_cam_frame_age_seconds_bucket{labelled(VIEWER, le='0.3')}": "0+450x20 9000+0x40",
            f"pulsar_cam_frame_age_seconds_bucket{labelled(VIEWER, le='0.5')}": "0+450x60",
            f"pulsar_cam_frame_age_seconds_bucket{labelled(VIEWER, le='+Inf')}": "0+450x60",
        },
        {5: 0, 8: 0, 14: 1},
    ),
    "PulsarCamViewerBehind": (
        {
            f"pulsar_cam_jumps_total{VIEWER}": "0x8 0+1x20",
            f"pulsar_cam_received_frames_total{labelled(VIEWER, of='old')}": "0+450x28",
            f"pulsar_cam_dropped_frames_total{labelled(VIEWER, of='old', reason='too_old')}": "0x8 0+200x20",
            f"pulsar_cam_received_frames_total{labelled(VIEWER, of='fine')}": "0+450x28",
            f"pulsar_cam_dropped_frames_total{labelled(VIEWER, of='fine', reason='too_old')}": "0+1x28",
            f"pulsar_cam_jumps_total{labelled(VIEWER, of='fine')}": "0x8 2x20",
        },
        {2: 0, 6: 2},
    ),
    "PulsarCamNoPublisher": ({f"pulsar_cam_topic_publishers{MONITOR}": "1x8 0x20"}, {2: 0, 3.5: 0, 5: 1}),
    "PulsarCamProblem": (
        {
            f"pulsar_cam_monitor_state{labelled(MONITOR, part='node', state='problem')}": "0x8 1x20",
            f"pulsar_cam_monitor_state{labelled(MONITOR, part='node', state='ok')}": "1x8 0x20",
            f"pulsar_cam_monitor_state{labelled(MONITOR, part='topic', state='warning')}": "1x28",
        },
        {2: 0, 2.75: 0, 4: 1},
    ),
    "PulsarCamWarning": (
        {
            f"pulsar_cam_monitor_state{labelled(MONITOR, part='topic', state='warning')}": "1x60",
            f"pulsar_cam_monitor_state{labelled(MONITOR, part='node', state='problem')}": "1x60",
        },
        {5: 0, 12: 1},
    ),
    "PulsarCamMonitorStuck": (
        {f"pulsar_cam_monitor_view_timestamp_seconds{MONITOR}": "0+15x8 120x20"}, {2: 0, 3.5: 0, 5: 1},
    ),
    "PulsarCamProbesLost": (
        {
            f"pulsar_cam_lost_probes_total{labelled(MONITOR, session='kept', payload_bytes='1000')}": "0x8 1x20",
            f"pulsar_cam_lost_probes_total{labelled(MONITOR, session='kept', payload_bytes='50000')}": "2x28",
        },
        {2: 0, 3: 1},
    ),
    "PulsarCamBacklogNearLimit": (
        {
            f"pulsar_cam_topic_backlog_bytes{MONITOR}": "10x8 90x40",
            f"pulsar_cam_topic_backlog_limit_bytes{MONITOR}": "100x48",
            f"pulsar_cam_topic_backlog_bytes{labelled(MONITOR, of='unlimited')}": "90x48",
            f"pulsar_cam_topic_backlog_limit_bytes{labelled(MONITOR, of='unlimited')}": " ".join(["+Inf"] * 48),
        },
        {2: 0, 6: 0, 9: 1},
    ),
}  # fmt: skip


def test_rules_and_configuration_are_valid() -> None:
    assert f"{len(CASES)} rules found" in promtool("check", "rules", ALERTS)
    assert "is valid" in promtool("check", "config", FOLDER / "prometheus.yml")


def test_every_alert_is_tested_here() -> None:
    assert alert_names() == list(CASES)


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_is_quiet_and_fires_when_it_should(alert: str, tmp_path: Path) -> None:
    series, minutes = CASES[alert]
    firing_at(tmp_path, alert, series, minutes)


def test_every_alert_says_what_is_and_what_to_do() -> None:
    text = ALERTS.read_text()
    for rule in text.split("- alert: ")[1:]:
        assert re.search(r"severity: (critical|warning) ", rule)
        assert re.search(r'summary: "\S.*\."', rule)
        assert re.search(r'action: "\S.*\."', rule)


def names_in(query: str) -> set[str]:
    """Return the metrics that a query or a rule asks for."""
    return set(re.findall(r"\bpulsar_cam_\w+", query))


def known_names() -> set[str]:
    names = {family.full_name for family in FAMILIES}
    return names | {f"{family.full_name}_bucket" for family in FAMILIES if family.kind == "histogram"}


def queries() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel["targets"]]


def test_rules_and_panels_ask_for_metrics_that_there_are() -> None:
    assert names_in(ALERTS.read_text()) <= known_names()
    assert names_in("\n".join(queries())) <= known_names()


def test_every_metric_is_on_the_dashboard_but_for_those_that_say_the_same() -> None:
    shown = {name.removesuffix("_bucket") for name in names_in("\n".join(queries()))}
    unseen = {family.full_name for family in FAMILIES} - shown
    assert unseen == {
        "pulsar_cam_build_info",
        "pulsar_cam_max_age_seconds",
        "pulsar_cam_monitor_view_timestamp_seconds",
        "pulsar_cam_picture_height_pixels",
        "pulsar_cam_subscription_consumers",
        "pulsar_cam_topic_partitions",
    }


def test_the_dashboard_can_be_imported_anywhere() -> None:
    assert not {"id", "uid"} & DASHBOARD.keys()
    names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "topic"]
    for panel in PANELS:
        assert {each["datasource"]["uid"] for each in (panel, *panel["targets"])} == {"${datasource}"}
        assert panel["title"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_no_panel_covers_another() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(place["x"] + place["w"] <= 24 for place in places)
