"""The lines of each command, and what a report takes of them."""

from __future__ import annotations

import json
import re

from pulsar_cam.measure.stages import Percentiles
from pulsar_cam.monitor.view import ProbeView, StreamView, SubscriptionView, TopicView, View
from pulsar_cam.report.page import page_of
from pulsar_cam.report.values import Values

from ..monitor.views import START_NS, view
from .recordings import line, monitored, recorded


def test_what_every_command_writes_has_all_its_plots() -> None:
    percentiles: Percentiles = {"p50": 10.0, "p95": 20.0, "p99": 30.0}
    topic = TopicView(1, 30, 1e6, 60, 2e6, 5, 5, None, 0, (SubscriptionView("archive", True, 1, 7, 30.0),))
    probes = (
        ProbeView("kept", 50_000, True, receipt_ms=5.0, end_to_end_ms=8.0),
        ProbeView("fresh", 100, False, receipt_ms=5.0),
    )
    one = View(
        view("ok").findings,
        probes,
        12.0,
        topic=topic,
        stream=StreamView(30.0, age_ms=percentiles, frames=30),
        reconnects=1,
    )
    pages = page_of(
        [
            recorded(*(line(second, dropped={"superseded": second}) for second in range(3))),
            recorded(*(line(second, "watch", age_ms=percentiles, fps=30, shown=30 * second) for second in range(3))),
            recorded(*(monitored(second, one) for second in range(3))),
        ],
        0,
    )
    titles = re.findall("<figcaption>(.*?)</figcaption>", pages)
    assert titles == [
        "State of each part",
        "Frames a second",
        "Age of frames in ms: p50 solid, p95 dashed, p99 dotted",
        "publish run.jsonl: Frames dropped or missing a second, by reason",
        "watch run.jsonl: Frames dropped or missing a second, by reason",
        "monitor run.jsonl: Frames dropped or missing a second, by reason",
        "monitor run.jsonl: Probes: until the receipt, in ms",
        "monitor run.jsonl: Probes: from end to end, in ms",
        "monitor run.jsonl: Backlog in messages, by subscription",
        "publish run.jsonl: Messages in flight",
        "publish run.jsonl: What is published with: quality, scale, rate",
        "Reconnections and jumps so far",
    ]
    assert "kept 50 kB" in pages
    assert "fresh 100 B, not stored" in pages


def test_views_have_the_time_of_the_line() -> None:
    assert json.loads(monitored(0, view("ok")))["at"].startswith("2026-01-01T00:00:00")
    assert Values(view("ok").as_dict()).moment_s("at") == START_NS / 1e9
