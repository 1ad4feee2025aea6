"""What became of a viewer's messages: received is shown plus dropped, whatever happened."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import cast

import pytest

from pulsar_cam.consumer import Consumer
from pulsar_cam.errors import DecodeError
from pulsar_cam.frame import Packet
from pulsar_cam.topics import Topic
from pulsar_cam.watch_stats import WatchStats
from pulsar_cam.wire import Delivery

from .hostile import assert_showable

DELIVERY = Delivery("CAAQADAA", b"x" * 100, published_at_ns=0, received_at_ns=0)
TOPIC = Topic.parse("cows")


def packet(age_ms: float = 50, source: str = "camera-0", sequence: int = 0) -> Packet:
    captured_at_ns = time.time_ns() - round(age_ms * 1e6)
    return Packet(b"", 640, 480, captured_at_ns, source, "5f2a9c01", sequence, quality=80)


def watching(status: str = "connected") -> WatchStats:
    stats = WatchStats()
    stats.session = cast(Consumer, SimpleNamespace(status=status, has_opened=True, reconnects=2, bad_messages=1))
    return stats


@pytest.mark.parametrize("fails", [False, True])
def test_at_the_end_received_is_shown_plus_dropped(fails: bool) -> None:
    stats = watching()
    try:
        with stats.accounted():
            for _ in range(7):
                stats.arrived(DELIVERY)
            stats.show(packet())
            stats.drop_unreadable(DecodeError("not a JPEG"))
            stats.drop("superseded")
            stats.drop("paused")
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
    assert caplog.messages == ["skipped a message: not a JPEG (said once, counted from here on)"]
    assert stats.dropped == {"not_a_frame": 3}


def test_pictures_and_gaps_are_counted_as_they_arrive() -> None:
    stats = watching()
    assert not stats.is_flowing
    for sequence in (0, 3):
        stats.follow(packet(sequence=sequence))
    assert (stats.images, stats.gaps.missing) == (2, 2)
    assert stats.is_flowing


def test_waiting_says_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WatchStats().waiting_for(TOPIC) == "connecting"
    assert watching("reconnecting: no close frame").waiting_for(TOPIC) == "reconnecting: no close frame"
    stats = watching()
    assert stats.waiting_for(TOPIC) == "waiting for frames on cows"
    stats.follow(packet())
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 7.2)
    assert not stats.is_flowing
    assert stats.waiting_for(TOPIC) == "no frames on cows for 7 s"


def test_a_negative_age_is_explained_and_not_shown() -> None:
    stats = watching()
    stats.show(packet(age_ms=-5000))
    explained = "age unknown: the publisher's clock is ahead of this one"
    assert stats.age_text == explained
    assert explained in stats.line
    assert explained in stats.info
    assert set(stats.as_dict()["age_ms"].values()) == {None}
    assert stats.as_dict()["clocks_differ"] is True


def test_without_frames_there_is_no_age() -> None:
    assert WatchStats().age_text == "age -"


def test_what_a_stranger_calls_itself_is_made_showable() -> None:
    stats = watching()
    stats.show(packet(source="\x1b[2J\n" + "x" * 1000))
    for text in (*stats.info, stats.line, stats.as_dict()["source"]):
        assert_showable(text)


def test_lines_say_how_it_goes() -> None:
    stats = watching()
    stats.arrived(DELIVERY)
    stats.show(packet())
    assert stats.has_begun
    assert "640x480 q80  age p50 " in stats.line
    assert stats.line.endswith("received 1  shown 1  dropped 0  missing 0  connected")
    assert stats.info[0].startswith("camera-0  640x480 q80  ")
    assert stats.info[1].startswith("age ")
    assert stats.info[2] == "shown 1  dropped 0  missing 0"


def test_counters_are_json() -> None:
    stats = watching()
    stats.arrived(DELIVERY)
    stats.show(packet())
    shown = json.loads(json.dumps(stats.as_dict()))
    assert shown.pop("fps") > 0
    assert all(age >= 50 for age in shown.pop("age_ms").values())
    assert shown == {
        "received": 1, "received_bytes": 100, "shown": 1, "dropped": {}, "missing": 0, "repeated": 0,
        "clocks_differ": False, "bad_messages": 1, "reconnects": 2, "source": "camera-0", "picture": "640x480 q80",
        "status": "connected",
    }  # fmt: skip
