"""Pacing: on a clock of its own, because how punctual a machine is cannot be asserted."""

from __future__ import annotations

import threading
import time

import pytest

from pulsar_cam.runtime.pacing import Pacer, RateLimit


@pytest.mark.parametrize(("source_fps", "fps", "kept"), [(30, 15, 150), (30, 20, 200), (30, 29, 290), (30, 1, 10)])
def test_rate_limit_keeps_the_rate(source_fps: int, fps: int, kept: int) -> None:
    limit = RateLimit(fps)
    assert sum(limit.keep(number / source_fps) for number in range(10 * source_fps)) == pytest.approx(kept, abs=1)


@pytest.mark.parametrize("fps", [None, 30, 31, 240])
def test_rate_limit_at_or_above_the_sources_rate_keeps_all(fps: float | None) -> None:
    limit = RateLimit(fps)
    assert all(limit.keep(number / 30) for number in range(300))


def test_without_a_rate_all_are_kept_whatever_their_times() -> None:
    limit = RateLimit(None)
    assert all(limit.keep(now_s) for now_s in (10.0, 10.04, 10.03, 10.0))


def test_rate_limit_keeps_every_second_frame_of_a_jittery_camera() -> None:
    limit = RateLimit(15)
    times = [number / 30 + (0.005 if number % 3 else -0.005) for number in range(300)]
    assert [limit.keep(seconds) for seconds in times] == [True, False] * 150


def test_rate_limit_does_not_make_up_for_a_gap() -> None:
    limit = RateLimit(10)
    assert limit.keep(0.0)
    assert [limit.keep(100 + number / 100) for number in range(12)].count(True) <= 3


class Clock(threading.Event):
    """A clock that moves only when someone waits on it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return False


def test_pacer_waits_and_a_late_reader_is_not_rushed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    pacer = Pacer(clock, catch_up_s=0.2)
    shown = []
    for number in range(8):
        if number == 3:
            clock.now += 10
        assert pacer.wait_until(number / 10)
        shown.append(round(clock.now, 3))
    # Late by 10 s, the reader gets three frames at once, and then one every 0.1 s again.
    assert shown == [0.0, 0.1, 0.2, 10.2, 10.2, 10.2, 10.3, 10.4]


def test_pacer_stops_at_once_when_stopped() -> None:
    stopped = threading.Event()
    pacer = Pacer(stopped, catch_up_s=0.1)
    assert pacer.wait_until(0.0)
    stopped.set()
    assert not pacer.wait_until(3600.0)
