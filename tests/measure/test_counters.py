"""Drops by reason, what is said of the newest picture, and notices."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace

import pytest

from pulsar_cam.frame import Packet
from pulsar_cam.measure.counters import Drops, Notice, Picture, reconnected_text, warn_once

from ..lab.hostile import assert_showable

PACKET = Packet(b"", 640, 480, captured_at_ns=0, source="camera-0", quality=80)


def counted(dropped: dict[str, int]) -> Drops:
    drops = Drops(("paused", "stopped"))
    for reason, count in dropped.items():
        for _ in range(count):
            drops.count(reason)
    return drops


@pytest.mark.parametrize(
    ("dropped", "text"),
    [({}, "0"), ({"paused": 1}, "1 (paused 1)"), ({"a": 2, "b": 10}, "12 (b 10, a 2)")],
)
def test_drops_are_shown_with_their_reasons(dropped: dict[str, int], text: str) -> None:
    assert str(counted(dropped)) == text


def test_reconnections_are_told_with_their_time() -> None:
    assert [reconnected_text(*each) for each in ((0, None), (1, 1.25), (3, 0.7))] == [
        "",
        ", reconnected once (in 1.2 s)",
        ", reconnected 3 times (the last in 0.7 s)",
    ]


def test_drops_are_a_mapping_of_the_reasons_that_occurred() -> None:
    drops = counted({"paused": 2})
    assert drops == {"paused": 2}
    assert (drops["paused"], drops["never"], "never" in drops, drops.total()) == (2, 0, False, 2)
    assert drops.so_far == {"paused": 2, "stopped": 0}
    drops.count_stopped(0)
    assert "stopped" not in drops
    drops.count_stopped(3)
    assert drops == {"paused": 2, "stopped": 3}


def test_no_drop_is_lost_between_threads() -> None:
    drops = Drops(())
    threads = [threading.Thread(target=lambda: [drops.count("x") for _ in range(5000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drops.total() == 20_000


def test_what_occurs_often_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    drops = Drops(())
    for _ in range(3):
        warn_once(logging.getLogger("pulsar_cam"), drops.count("x"), "skipped: %s", "no good")
    assert caplog.messages == ["skipped: no good (said once, counted from here on)"]


def test_a_picture_in_words_is_safe_to_show() -> None:
    assert str(Picture.of(PACKET)) == "640x480 q80"
    assert str(Picture.of(replace(PACKET, quality=None))) == "640x480"
    assert_showable(Picture.of(replace(PACKET, source="\x1b[2J" + "x" * 1000)).source)


def test_a_notice_lasts_while_it_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    notice = Notice()
    assert str(notice) == ""
    notice.hear(replace(PACKET, notice="camera-0 stopped"))
    assert str(notice) == "camera-0 stopped"
    notice.hear(PACKET)
    assert str(notice) == ""
    notice.hear(replace(PACKET, notice="camera-0 stopped"))
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 3.1)
    assert str(notice) == ""
