"""A publisher, a viewer and a monitor that counted what is known."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from pulsar_cam.frame import Packet
from pulsar_cam.health.finding import Finding
from pulsar_cam.metrics.monitor import NewestView
from pulsar_cam.monitor.view import ProbeView, StreamView, SubscriptionView, TopicView, View
from pulsar_cam.publishing.control.setting import Setting
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.messages.wire import Delivery, Receipt
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.watching.stats import WatchStats

TOPIC = Topic.parse("cows")
P = {"role": "publisher", "topic": str(TOPIC)}
V = {"role": "viewer", "topic": str(TOPIC)}
M = {"role": "monitor", "topic": str(TOPIC)}
T = {"topic": str(TOPIC)}
PROBE = T | {"session": "kept", "payload_bytes": "50000", "stored": "yes"}
LIVELY = T | {"subscription": "wall"}
MS = 1_000_000


def session(**values: object) -> Any:
    """Return what metrics ask of a producer or a consumer."""
    base = {
        "status": "connected", "is_connected": True, "is_stalled": False, "has_opened": True, "reconnects": 2,
        "recovery_s": 1.25, "bad_messages": 1, "in_flight": 3, "window": 5, "receiver_queue": 6, "ping_s": 0.004,
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
