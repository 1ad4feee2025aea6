"""Reading in a thread of its own: sources that end, fail, and block for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from pulsar_cam import source_reader
from pulsar_cam.errors import DeviceNotFound, SourceStopped
from pulsar_cam.frame import Frame
from pulsar_cam.source import Source
from pulsar_cam.source_reader import SourceReader

LONG_S = 60.0
IMAGE = np.zeros((1, 1, 3), np.uint8)


class ScriptedSource:
    """Gives the frames of a script, raises its errors, and at its end waits until it is closed, if so wanted."""

    name = "scripted"

    def __init__(self, *script: int | Exception, waits: bool = False) -> None:
        self._script = list(script)
        self._waits = waits
        self.closed = threading.Event()

    def read(self) -> Frame | None:
        if self._script:
            item = self._script.pop(0)
            if isinstance(item, Exception):
                raise item
            return Frame(IMAGE, 0, item)
        if self._waits:
            self.closed.wait(LONG_S)
        return None

    def close(self) -> None:
        self.closed.set()


class Listener:
    """Notes what a reader hands over."""

    def __init__(self) -> None:
        self.numbers: list[int | None] = []
        self.ended = threading.Event()

    @contextmanager
    def reading(self, open_source: Callable[[], Source], *, begin: bool = True) -> Iterator[SourceReader]:
        with SourceReader(open_source, lambda frame: self.numbers.append(frame.sequence), self.ended.set) as reader:
            if begin:
                reader.begin()
            yield reader


@pytest.fixture
def listener() -> Listener:
    return Listener()


def test_every_frame_is_handed_over_until_the_end(listener: Listener) -> None:
    source = ScriptedSource(0, 1, 2)
    with listener.reading(lambda: source) as reader:
        assert listener.ended.wait(LONG_S)
        assert reader.wait_open(0)
        assert not reader.has_failed
    assert listener.numbers == [0, 1, 2]
    assert source.closed.is_set()
    assert reader.ended_for_s > 0


def test_no_frame_is_read_before_begin(listener: Listener) -> None:
    source = ScriptedSource(0, 1, waits=True)
    with listener.reading(lambda: source, begin=False) as reader:
        assert reader.wait_open(LONG_S)
        assert reader.ended_for_s == 0.0
    assert listener.numbers == []
    assert listener.ended.is_set()
    assert source.closed.is_set()


def test_leaving_ends_a_read_that_waits(listener: Listener) -> None:
    source = ScriptedSource(0, waits=True)
    with listener.reading(lambda: source) as reader:
        assert reader.wait_open(LONG_S)
    assert source.closed.is_set()
    assert listener.ended.is_set()
    assert not reader.has_failed


def fail_to_open() -> Source:
    raise DeviceNotFound("0", [])


def read_to_the_end(listener: Listener, open_source: Callable[[], Source]) -> None:
    with listener.reading(open_source) as reader:
        assert reader.wait_open(LONG_S)
        assert listener.ended.wait(LONG_S)
        assert reader.has_failed


def test_source_that_cannot_be_opened_is_raised_at_the_exit(listener: Listener) -> None:
    with pytest.raises(DeviceNotFound):
        read_to_the_end(listener, fail_to_open)


@pytest.mark.parametrize("error", [SourceStopped("camera-0", "no frame"), ZeroDivisionError("a bug")])
def test_error_while_reading_is_raised_at_the_exit(error: Exception, listener: Listener) -> None:
    source = ScriptedSource(0, error)
    with pytest.raises(type(error)):
        read_to_the_end(listener, lambda: source)
    assert listener.numbers == [0]
    assert source.closed.is_set()


def test_error_of_the_context_goes_before(listener: Listener) -> None:
    with pytest.raises(KeyboardInterrupt), listener.reading(fail_to_open):
        raise KeyboardInterrupt


def test_error_of_a_source_that_is_being_stopped_does_not_count(listener: Listener) -> None:
    class Unplugged(ScriptedSource):
        def read(self) -> Frame | None:
            self.closed.wait(LONG_S)
            raise SourceStopped(self.name, "closed")

    with listener.reading(Unplugged) as reader:
        assert reader.wait_open(LONG_S)
    assert listener.ended.is_set()
    assert not reader.has_failed


@pytest.mark.parametrize("blocks_in", ["open", "read"])
def test_source_that_blocks_for_ever_is_left_behind(
    blocks_in: str, listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(source_reader, "_JOIN_S", 0.01)
    blocked, released = threading.Event(), threading.Event()
    source = ScriptedSource()

    def block() -> None:
        blocked.set()
        released.wait(LONG_S)

    def open_source() -> Source:
        if blocks_in == "open":
            block()
        return source

    def read() -> None:
        block()

    monkeypatch.setattr(source, "read", read)
    with listener.reading(open_source) as reader:
        assert blocked.wait(LONG_S)
    assert not listener.ended.is_set()
    assert caplog.messages == ["the source does not answer and is left behind"]
    released.set()
    assert listener.ended.wait(LONG_S)
    assert source.closed.is_set()
    assert not reader.has_failed
