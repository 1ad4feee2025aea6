"""One opening of a source: whatever the source does, the reading ends, and says why."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from pulsar_cam.errors import SourceStopped
from pulsar_cam.frame import Captured, Frame
from pulsar_cam.sources import reading as reading_module
from pulsar_cam.sources.capture import PATIENCE_S
from pulsar_cam.sources.reading import Reading

PICTURE = np.zeros((2, 2, 3), np.uint8)


def frame(number: int) -> Frame:
    return Frame(PICTURE, 0, number, "cam")


class Scripted:
    """A source that reads in a given way, and counts how often it was closed."""

    name = "cam"
    damaged = 0
    can_wait = False
    blocked_s = 0.0

    def __init__(self, read: Callable[[], Captured | None]) -> None:
        self.read, self.closed = read, 0

    def close(self) -> None:
        self.closed += 1


def frames(count: int) -> Callable[[], Captured | None]:
    numbers: Iterator[int] = iter(range(count))
    return lambda: None if (number := next(numbers, None)) is None else frame(number)


def begun() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_frames_are_handed_over_in_order_and_the_source_is_closed_at_its_end() -> None:
    opened: list[object] = []
    taken: list[Captured] = []
    source = Scripted(frames(5))
    reading = Reading(lambda: source, begun(), opened.append, taken.append)
    reading.start()
    assert reading.ended.wait(30)
    assert opened == [source]
    assert [each.sequence for each in taken] == [0, 1, 2, 3, 4]
    assert (reading.error, reading.stuck, source.closed) == (None, None, 1)


def test_nothing_is_read_before_it_has_begun() -> None:
    opened, start = threading.Event(), threading.Event()
    taken: list[Captured] = []
    reading = Reading(lambda: Scripted(frames(1)), start, lambda _: opened.set(), taken.append)
    reading.start()
    assert opened.wait(30)
    assert not reading.ended.wait(0.05)
    assert taken == []
    start.set()
    assert reading.ended.wait(30)
    assert len(taken) == 1


@pytest.mark.parametrize("error", [SourceStopped("cam", "it is gone", "look"), ZeroDivisionError()])
def test_any_failure_is_kept_and_closes_the_source(error: Exception) -> None:
    def fail() -> Captured | None:
        raise error

    source = Scripted(fail)
    reading = Reading(lambda: source, begun(), lambda _: None, lambda _: None)
    reading.start()
    assert reading.ended.wait(30)
    assert reading.error is error
    assert source.closed == 1


def test_a_source_that_cannot_be_opened_is_a_failure_too() -> None:
    def refuse() -> Scripted:
        raise SourceStopped("cam", "it is not there", "look")

    reading = Reading(refuse, begun(), lambda _: None, lambda _: None)
    reading.start()
    assert reading.ended.wait(30)
    assert isinstance(reading.error, SourceStopped)
    assert reading.source is None


@pytest.mark.parametrize("fails", [False, True])
def test_what_comes_after_it_was_closed_is_neither_handed_over_nor_a_failure(fails: bool) -> None:
    within, go_on = threading.Event(), threading.Event()
    taken: list[Captured] = []

    def read() -> Captured | None:
        within.set()
        go_on.wait(30)
        if fails:
            raise SourceStopped("cam", "it was closed", "look")
        return frame(0)

    source = Scripted(read)
    reading = Reading(lambda: source, begun(), lambda _: None, taken.append)
    reading.start()
    assert within.wait(30)
    reading.close()
    go_on.set()
    assert reading.ended.wait(30)
    assert (taken, reading.error) == ([], None)
    assert source.closed == 2


def test_an_opening_that_does_not_return_is_stuck_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def hang() -> Scripted:
        go_on.wait(30)
        return Scripted(frames(0))

    reading = Reading(hang, begun(), lambda _: None, lambda _: None)
    reading.start()
    assert reading.stuck is None
    monkeypatch.setattr(reading_module, "OPENING_S", -1.0)
    assert "could not be opened" in str(reading.stuck)
    go_on.set()
    assert reading.ended.wait(30)
    assert reading.stuck is None


def test_a_driver_that_does_not_answer_is_stuck() -> None:
    within, go_on = threading.Event(), threading.Event()

    def read() -> Captured | None:
        within.set()
        go_on.wait(30)
        return None

    source = Scripted(read)
    reading = Reading(lambda: source, begun(), lambda _: None, lambda _: None)
    reading.start()
    assert within.wait(30)
    assert reading.stuck is None
    source.blocked_s = PATIENCE_S + 1
    assert "cam" in str(reading.stuck)
    assert "has not answered" in str(reading.stuck)
    go_on.set()
    assert reading.ended.wait(30)
