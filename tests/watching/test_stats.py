"""What became of a viewer's messages: received is shown plus dropped, whatever happened."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.errors import DecodeError
from pulsar_cam.frame import Packet
from pulsar_cam.pulsar.messages.wire import Delivery
from pulsar_cam.pulsar.sessions.consumer import Consumer
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.watching.stats import WatchStats

from ..lab.hostile import assert_showable

DELIVERY = Delivery("CAAQADAA", b"x" * 100, published_at_ns=0, received_at_ns=0)
TOPIC = Topic.parse("cows")


def packet(age_ms: float = 50, source: str = "camera-0", sequence: int = 0) -> Packet:
    captured_at_ns = time.time_ns() - round(age_ms * 1e6)
    return Packet(b"", 640, 480, captured_at_ns, source, "5f2a9c01", sequence, quality=80)


def watching(status: str = "connected") -> WatchStats:
    stats = WatchStats()
    session = SimpleNamespace(
        status=status,
        has_opened=True,
        reconnects=2,
        recovery_s=1.25,
        bad_messages=1,
        jumps=3,
        receiver_queue=4,
        pings_s=[0.002],
    )
    stats.session = cast(Consumer, session)
    return stats


@pytest.mark.parametrize("fails", [False, True])
def test_at_the_end_received_is_shown_plus_dropped(fails: bool) -> None:
    stats = watching()
    try:
        with stats.accounted():
            for _ in range(7):
                stats.arrived(DELIVERY)
            stats.show(packet(), time.time_ns())
            stats.drop_unreadable(DecodeError("not a JPEG"))
            stats.dropped.count("superseded")
            stats.dropped.count("paused")
            assert not fails or 1 / 0
    except ZeroDivisionError:
        assert fails
    assert stats.dropped == {"not_a_frame": 1, "superseded": 1, "paused": 1, "stopped": 3}
    assert stats.received == stats.shown + stats.dropped.total() == 7
    assert stats.received_bytes == 700


def test_the_first_message_that_is_no_frame_is_said_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    stats = watching()
    for _ in range(3):
        stats.drop_unreadable(DecodeError("not a JPEG"))
    assert caplog.messages == [
        "skipped a message: not a JPEG; check what else publishes there (said once, counted from here on)"
    ]
    assert stats.dropped == {"not_a_frame": 3}


def test_pictures_and_gaps_are_counted_as_they_arrive() -> None:
    stats = watching()
    for sequence in (0, 3):
        stats.follow(packet(sequence=sequence))
    assert (stats.images, stats.gaps.missing) == (2, 2)


def test_waiting_says_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WatchStats().waiting_for(TOPIC) == "connecting"
    assert watching("reconnecting: no close frame").waiting_for(TOPIC) == "reconnecting: no close frame"
    stats = watching()
    assert stats.waiting_for(TOPIC) == "waiting for frames on cows"
    stats.follow(packet())
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 7.2)
    assert stats.waiting_for(TOPIC) == "no frames on cows for 7 s"


def test_a_picture_is_live_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = watching()
    assert not stats.is_live
    stats.show(packet(), time.time_ns())
    assert stats.is_live
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 2.1)
    assert not stats.is_live


def test_frames_past_the_limit_are_too_old_and_waiting_says_so() -> None:
    stats = watching()
    assert not stats.ages.is_too_old(packet(age_ms=10**9))
    stats.ages.limit_ms = 500
    assert not stats.ages.is_too_old(packet(age_ms=400))
    assert stats.ages.is_too_old(packet(age_ms=600))
    stats.follow(packet(age_ms=600))
    stats.dropped.count("too_old")
    assert stats.waiting_for(TOPIC) == "frames are older than 500 ms when they arrive (see `max_age_ms`)"


def test_a_clock_that_is_ahead_is_named_and_makes_no_negative_age() -> None:
    stats = watching()
    early = replace(packet(age_ms=-5000), sent_at_ns=time.time_ns() + 5 * 10**9, delivered_at_ns=time.time_ns())
    stats.follow(early)
    stats.show(early, time.time_ns())
    assert "or more (the publisher's clock is 5 s ahead)" in stats.ages.text
    assert stats.parts[5] == "the publisher's clock is 5 s ahead"
    assert all(age >= 0 for age in stats.as_dict()["age_ms"].values())
    assert stats.as_dict()["clock_offset_ms"] == pytest.approx(-5000, abs=100)


def test_age_is_told_with_what_the_clocks_leave_open() -> None:
    stats, now_ns = watching(), time.time_ns()
    stats.follow(replace(packet(), sent_at_ns=now_ns - 7_000_000, delivered_at_ns=now_ns, receipt_ns=6_000_000))
    stats.show(packet(), now_ns)
    assert stats.ages.text.endswith(" ms ±7")
    assert stats.parts[2].endswith(" ms ±7")
    assert stats.as_dict()["clock_uncertainty_ms"] == 7.0


@given(st.integers(-(10**19), 10**19), st.integers(0, 10**19), st.integers(0, 10**19))
def test_no_clock_reading_makes_a_negative_age(captured_ns: int, sent_ns: int, round_trip_ns: int) -> None:
    stats = watching()
    strange = replace(
        packet(), captured_at_ns=captured_ns, encoded_at_ns=sent_ns, sent_at_ns=sent_ns,
        receipt_ns=round_trip_ns, delivered_at_ns=time.time_ns(),
    )  # fmt: skip
    stats.follow(strange)
    stats.show(strange, time.time_ns())
    assert all(age >= 0 for age in stats.as_dict()["age_ms"].values())
    for part in stats.parts:
        assert_showable(part)


def test_the_way_of_a_frame_is_measured_by_stage() -> None:
    stats, now_ns = watching(), time.time_ns()
    on_its_way = replace(
        packet(), captured_at_ns=now_ns - 20_000_000, encoded_at_ns=now_ns - 15_000_000,
        sent_at_ns=now_ns - 14_000_000, delivered_at_ns=now_ns - 4_000_000,
    )  # fmt: skip
    stats.follow(on_its_way)
    stats.show(on_its_way, now_ns)
    stages = stats.as_dict()["stages_ms"]
    assert {name: each["p50"] for name, each in stages.items() if name != "show"} == {
        "encode": 5.0, "queue": 1.0, "transport": 10.0, "decode": 4.0,
    }  # fmt: skip
    assert stages["show"]["p50"] >= 0


def test_without_frames_there_is_no_age() -> None:
    assert WatchStats().ages.text == "age -"


def test_what_a_stranger_calls_itself_is_made_showable() -> None:
    stats = watching()
    stats.show(packet(source="\x1b[2J\n" + "x" * 1000), time.time_ns())
    for text in (*stats.info, *stats.parts, stats.as_dict()["source"]):
        assert_showable(text)


def test_lines_say_how_it_goes() -> None:
    stats = watching()
    stats.arrived(DELIVERY)
    stats.show(packet(), time.time_ns())
    assert stats.has_begun
    assert stats.parts[0] == "connected"
    assert stats.parts[2].startswith("age ")
    assert stats.parts[3:7] == ["dropped 0", "missing 0", "", "640x480 q80"]
    assert stats.parts[7].startswith("p95 ")
    assert stats.parts[8:] == ["shown 1", "received 1", ""]
    assert stats.info[0].startswith("camera-0  640x480 q80  ")
    assert stats.info[1].startswith("age ")
    assert stats.info[2].startswith("show ")
    assert stats.info[3] == "shown 1  dropped 0  missing 0"


def test_counters_are_json() -> None:
    stats = watching()
    stats.arrived(DELIVERY)
    stats.show(packet(), time.time_ns())
    shown = json.loads(json.dumps(stats.as_dict()))
    assert shown.pop("fps") > 0
    assert all(age >= 50 for age in shown.pop("age_ms").values())
    assert set(shown.pop("stages_ms")) == {"encode", "queue", "transport", "decode", "show"}
    assert shown == {
        "received": 1, "received_bytes": 100, "shown": 1, "dropped": {}, "missing": 0, "repeated": 0,
        "clock_offset_ms": 0.0, "clock_uncertainty_ms": None, "jumps": 3, "receiver_queue": 4,
        "loop_blocked_ms": None, "loop_work_ms": None,
        "bad_messages": 1, "reconnects": 2, "recovery_s": 1.25,
        "source": "camera-0", "picture": "640x480 q80", "notice": "",
        "status": "connected",
    }  # fmt: skip


def test_a_card_is_a_drop_and_no_frame_and_says_why_while_it_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    stats, card = watching(), replace(packet(), sequence=None, notice="camera-0 stopped")
    stats.arrived(DELIVERY)
    stats.drop_card(card)
    assert (stats.images, stats.shown, dict(stats.dropped)) == (0, 0, {"notice": 1})
    assert (stats.gaps.missing, stats.ages.text, stats.is_live) == (0, "age -", False)
    assert stats.waiting_for(TOPIC) == stats.as_dict()["notice"] == "camera-0 stopped"
    assert stats.parts[0] == "connected: camera-0 stopped"
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 3.1)
    assert stats.waiting_for(TOPIC) == "waiting for frames on cows"


def test_a_frame_ends_a_notice() -> None:
    stats = watching()
    stats.drop_card(replace(packet(), notice="camera-0 stopped"))
    stats.follow(packet())
    assert str(stats.notice) == ""
