"""Reading in a thread of its own: sources that end, fail, block for ever, and come back."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from pulsar_cam.errors import DeviceNotFound, SourceStopped
from pulsar_cam.frame import Captured, Frame
from pulsar_cam.sources import reader as source_reader
from pulsar_cam.sources import reading
from pulsar_cam.sources.reader import SourceReader, first_frame
from pulsar_cam.sources.source import Source

from ..lab.xvfb import wait_until

LONG_S = 60.0
IMAGE = np.zeros((1, 1, 3), np.uint8)


class ScriptedSource:
    """Gives the frames of a script, raises its errors, and at its end waits until it is closed, if so wanted."""

    name = "scripted"
    damaged = 0
    blocked_s = 0.0
    can_wait = False

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


@pytest.mark.parametrize(
    "error", [SourceStopped("camera-0", "no frame", "check the cable"), ZeroDivisionError("a bug")]
)
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
            raise SourceStopped(self.name, "closed", "open it")

    with listener.reading(Unplugged) as reader:
        assert reader.wait_open(LONG_S)
    assert listener.ended.is_set()
    assert not reader.has_failed


@pytest.mark.parametrize("blocks_in", ["open", "read"])
def test_source_that_blocks_for_ever_is_left_behind(
    blocks_in: str, listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(source_reader, "JOIN_S", 0.01)
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
    assert listener.ended.is_set()
    assert caplog.messages == ["the source does not answer and is left behind"]
    assert not reader.has_failed
    assert source.closed.is_set() is (blocks_in == "read")
    released.set()
    assert source.closed.wait(LONG_S)


class BlockedSource(ScriptedSource):
    """After its script, blocks in read until it is let go, as a driver can, whatever is closed."""

    def __init__(self, *script: int | Exception) -> None:
        super().__init__(*script)
        self.let_go = threading.Event()

    @property
    def blocked_s(self) -> float:  # type: ignore[override]
        return 0.0 if self._script else LONG_S

    def read(self) -> Frame | None:
        if not self._script:
            self.let_go.wait(LONG_S)
        return super().read()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look and try again at once."""
    monkeypatch.setattr(source_reader, "LOOK_S", 0.01)
    monkeypatch.setattr(source_reader, "JOIN_S", 0.01)
    monkeypatch.setattr(source_reader, "backoff", lambda: itertools.repeat(0.001))


STOPPED = SourceStopped("scripted", "no good frame for 5 s", "check the cable")


def openings(*script: Source | Exception) -> Callable[[], Source]:
    """Return what opens these sources one after the other, or fails as these errors say, the last one for ever."""
    remaining = list(script)

    def open_source() -> Source:
        item = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(item, Exception):
            raise item
        return item

    return open_source


@contextmanager
def recovering(listener: Listener, *script: Source | Exception) -> Iterator[SourceReader]:
    def on_frame(frame: Captured) -> None:
        listener.numbers.append(frame.sequence)

    with SourceReader(openings(*script), on_frame, listener.ended.set, recovers=True) as reader:
        reader.begin()
        yield reader


@pytest.mark.usefixtures("quick")
def test_a_source_that_stops_is_opened_again_and_its_frames_are_counted_on(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    back = ScriptedSource(0, 1, waits=True)
    gone = DeviceNotFound("0", []), DeviceNotFound("0", [], "is used by another program"), ScriptedSource(STOPPED)
    with recovering(listener, ScriptedSource(0, 1, 2, STOPPED), *gone, back) as reader:
        wait_until(lambda: len(listener.numbers) == 5, "frames after the loss")
        assert (reader.losses, reader.trouble) == (1, "")
        assert reader.recovery_s
        assert not listener.ended.is_set()
    assert listener.numbers == [0, 1, 2, 3, 4]
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        f"{STOPPED}; trying again",
        f"scripted is back after {reader.recovery_s:.1f} s",
    ]
    assert not reader.has_failed


@pytest.mark.usefixtures("quick")
def test_while_a_source_is_lost_it_is_said(listener: Listener) -> None:
    with recovering(listener, ScriptedSource(0, STOPPED), DeviceNotFound("0", [])) as reader:
        wait_until(lambda: reader.losses == 1, "loss")
        assert reader.trouble == "scripted stopped: no good frame for 5 s, trying again"
        assert reader.recovery_s is None
    assert listener.ended.is_set()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "error", [DeviceNotFound("0", []), SourceStopped("the source", "could not be opened", "try again")]
)
def test_the_first_opening_is_not_tried_again(error: Exception, listener: Listener) -> None:
    with pytest.raises(type(error)), recovering(listener, error) as reader:
        assert listener.ended.wait(LONG_S)
    assert reader.losses == 0


@pytest.mark.usefixtures("quick")
def test_an_end_that_is_no_loss_is_the_end(listener: Listener) -> None:
    with recovering(listener, ScriptedSource(0)) as reader:
        assert listener.ended.wait(LONG_S)
    assert reader.losses == 0


@pytest.mark.usefixtures("quick")
def test_a_bug_while_a_source_is_opened_again_is_not_hidden(listener: Listener) -> None:
    with pytest.raises(ZeroDivisionError), recovering(listener, ScriptedSource(0, STOPPED), ZeroDivisionError()):
        assert listener.ended.wait(LONG_S)


@pytest.mark.usefixtures("quick")
def test_a_blocked_read_is_left_behind_and_another_one_takes_over(listener: Listener) -> None:
    blocked, back = BlockedSource(0, 1), ScriptedSource(0, waits=True)
    with recovering(listener, blocked, back) as reader:
        wait_until(lambda: len(listener.numbers) == 3, "frame after the loss")
        assert blocked.closed.is_set()
        blocked._script = [7, 8]  # it comes back, too late
        blocked.let_go.set()
    assert listener.numbers == [0, 1, 2]
    assert reader.losses == 1


@pytest.mark.usefixtures("quick")
def test_a_blocked_read_is_an_error_where_nothing_recovers(listener: Listener) -> None:
    blocked = BlockedSource(0)
    with (
        pytest.raises(SourceStopped, match="scripted stopped: its driver has not answered for 5 s"),
        listener.reading(lambda: blocked),
    ):
        assert listener.ended.wait(LONG_S)
    blocked.let_go.set()


@pytest.mark.usefixtures("quick")
def test_no_more_than_three_threads_are_blocked_at_a_time(listener: Listener) -> None:
    opened: list[BlockedSource] = []

    def open_source() -> Source:
        opened.append(BlockedSource(0))
        return opened[-1]

    with SourceReader(open_source, lambda frame: None, listener.ended.set, recovers=True) as reader:
        reader.begin()
        wait_until(lambda: reader.losses == 3, "third loss")
        assert not listener.ended.wait(0.2)
        assert len(opened) == 3
        opened[0].let_go.set()
        wait_until(lambda: len(opened) == 4, "fourth opening")
        for source in opened:
            source.let_go.set()


@pytest.mark.usefixtures("quick")
def test_an_opening_that_blocks_is_tried_again(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "OPENING_S", 0.1)
    let_go, sources = threading.Event(), [ScriptedSource(0, STOPPED), None, ScriptedSource(0, waits=True)]

    def open_source() -> Source:
        source = sources.pop(0)
        if source:
            return source
        let_go.wait(LONG_S)
        raise DeviceNotFound("0", [])

    with SourceReader(open_source, lambda frame: None, listener.ended.set, recovers=True) as reader:
        reader.begin()
        wait_until(lambda: reader.recovery_s is not None, "recovery")
    let_go.set()
    assert reader.losses == 1


@pytest.mark.usefixtures("quick")
def test_damaged_frames_are_counted_over_losses(listener: Listener) -> None:
    first, second = ScriptedSource(0, STOPPED), ScriptedSource(0, waits=True)
    first.damaged, second.damaged = 3, 4
    with recovering(listener, first, second) as reader:
        wait_until(lambda: len(listener.numbers) == 2, "frame after the loss")
        assert reader.damaged == 7


@pytest.mark.usefixtures("quick")
def test_a_first_frame_is_waited_for_in_vain_no_longer_than_that() -> None:
    blocked, stop = BlockedSource(), threading.Event()
    source = ScriptedSource(7, waits=True)
    frame = first_frame(lambda: source, LONG_S)
    assert frame
    assert frame.sequence == 7
    assert source.closed.is_set()
    assert first_frame(lambda: ScriptedSource(), LONG_S) is None
    assert first_frame(lambda: ScriptedSource(waits=True), 0.05) is None
    stop.set()
    assert first_frame(lambda: ScriptedSource(waits=True), LONG_S, stop) is None
    with pytest.raises(DeviceNotFound):
        first_frame(fail_to_open, LONG_S)
    with pytest.raises(SourceStopped, match="driver has not answered"):
        first_frame(lambda: blocked, LONG_S)
    blocked.let_go.set()
