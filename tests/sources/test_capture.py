"""What comes out of a VideoCapture that misbehaves as drivers and streams do; real ones are in the other tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from pulsar_cam.errors import SourceStopped
from pulsar_cam.frame import Frame, Packet
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.sources import capture as capture_module
from pulsar_cam.sources.capture import Capture, FilmSource, LiveSource

from ..lab.bombs import flat

GREY, COLOUR = np.full((4, 6), 7, np.uint8), np.full((4, 6, 3), 7, np.uint8)
JPEG = flat(16, 8)


def row(data: bytes) -> np.ndarray[Any, Any]:
    """A camera's buffer of bytes, as VideoCapture gives it."""
    return np.frombuffer(data, np.uint8).reshape(1, -1)


class Video:
    """A VideoCapture that gives pictures from a list: None cannot be grabbed, an exception is raised."""

    def __init__(self, *pictures: Any, stamps_ms: tuple[float, ...] = (), backend: str = "FFMPEG") -> None:
        self.pictures, self.stamps_ms, self.backend = list(pictures), list(stamps_ms), backend
        self.taken, self.releases = 0, 0
        self.during_grab: Callable[[], None] = lambda: None

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def getBackendName(self) -> str:  # noqa: N802 - OpenCV's name
        return self.backend

    def grab(self) -> bool:
        self.during_grab()
        self.taken += 1
        return self.taken <= len(self.pictures) and self.pictures[self.taken - 1] is not None

    def retrieve(self) -> tuple[bool, Any]:
        picture = self.pictures[self.taken - 1]
        if isinstance(picture, Exception):
            raise picture
        return True, picture

    def get(self, prop: int) -> float:
        if prop == cv2.CAP_PROP_FPS:
            return 1000.0  # which no film has
        return self.stamps_ms[self.taken - 1] if self.taken <= len(self.stamps_ms) else 0.0

    def set(self, prop: int, value: float) -> bool:
        self.taken = int(value)
        return True

    def release(self) -> None:
        self.releases += 1


def capture_of(video: Video, size: tuple[int, int] | None = None, *, keep_jpeg: bool = False) -> Capture:
    return Capture(cast(cv2.VideoCapture, video), size, keep_jpeg=keep_jpeg)


def retrieved(picture: Any, size: tuple[int, int] | None = None, *, keep_jpeg: bool = False) -> Any:
    capture = capture_of(Video(picture), size, keep_jpeg=keep_jpeg)
    assert capture.grab()
    return capture.retrieve()


@pytest.mark.parametrize("picture", [GREY, COLOUR, row(JPEG), row(JPEG + bytes(100)), row(JPEG[:-2])])
def test_every_form_of_a_picture_is_an_image_in_colours(picture: np.ndarray[Any, Any]) -> None:
    image = retrieved(picture)
    assert image.shape == ((8, 16, 3) if picture.shape[0] == 1 else (4, 6, 3))
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


@pytest.mark.parametrize(
    "picture",
    [
        cv2.error("empty"),
        np.zeros((4, 6), np.uint16),
        np.zeros((4, 6, 2), np.uint8),
        row(b"no picture"),
        row(JPEG[: len(JPEG) // 2]),
    ],
    ids=["raised", "16 bits", "two channels", "no JPEG", "half a JPEG"],
)
def test_what_is_no_picture_is_none(picture: Any) -> None:
    assert retrieved(picture, keep_jpeg=True) is None


def test_a_jpeg_is_kept_without_its_padding_and_only_if_it_is_whole_and_of_the_wanted_size() -> None:
    assert retrieved(row(JPEG + bytes(9)), keep_jpeg=True) == JPEG
    assert retrieved(row(JPEG), (16, 8), keep_jpeg=True) == JPEG
    assert retrieved(row(JPEG), (8, 4), keep_jpeg=True).shape == (4, 8, 3)
    assert retrieved(row(JPEG[:-2]), keep_jpeg=True).shape == (8, 16, 3)
    assert retrieved(row(JPEG)).shape == (8, 16, 3)


@pytest.mark.parametrize("size", [(3, 2), (12, 8), (6, 4)])
def test_an_image_is_scaled_to_the_wanted_size(size: tuple[int, int]) -> None:
    image = retrieved(COLOUR, size)
    assert image.shape == (size[1], size[0], 3)
    assert (image == 7).all()


def test_a_capture_that_is_closed_within_a_call_is_released_when_the_call_ends() -> None:
    video = Video(COLOUR)
    capture = capture_of(video)
    within, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        within.set()
        go_on.wait(30)

    video.during_grab = hang
    calling = threading.Thread(target=capture.grab)
    calling.start()
    assert within.wait(30)
    assert capture.blocked_s > 0
    capture.close()
    assert video.releases == 0
    go_on.set()
    calling.join(30)
    assert video.releases == 1
    assert capture.blocked_s == 0


@pytest.mark.parametrize(
    ("backend", "stamp_s", "is_used"),
    [("V4L2", -0.2, True), ("V4L2", -60.0, False), ("V4L2", 60.0, False), ("FFMPEG", -0.2, False)],
    ids=["just now", "too old to be true", "in the future", "no camera"],
)
def test_the_age_of_a_frame_is_what_a_camera_says_unless_it_is_absurd(
    backend: str, stamp_s: float, is_used: bool
) -> None:
    stamp_ms = (time.monotonic() + stamp_s) * 1000
    video = Video(COLOUR, stamps_ms=(stamp_ms,), backend=backend)
    capture = capture_of(video)
    capture.grab()
    before_ns = time.monotonic_ns()
    if is_used:
        assert capture.taken_ns() == round(stamp_ms * 1e6)
    else:
        assert before_ns <= capture.taken_ns() <= time.monotonic_ns()


def test_a_camera_skips_what_is_damaged_counts_it_and_goes_on_after_a_failure() -> None:
    source = LiveSource(capture_of(Video(cv2.error("empty"), None, row(b"no picture"), COLOUR)), "cam", ends=False)
    frame = source.read()
    assert isinstance(frame, Frame)
    assert (frame.sequence, frame.source, source.damaged) == (0, "cam", 2)


def test_a_stream_ends_with_the_first_failure() -> None:
    source = LiveSource(capture_of(Video(COLOUR, None, COLOUR)), "cam", ends=True)
    assert source.read()
    with pytest.raises(SourceStopped, match="the stream ended or the connection was lost"):
        source.read()


@pytest.mark.parametrize(("ends", "remedy"), [(False, "check the cable"), (True, "check the network")])
def test_pictures_that_are_all_damaged_are_a_source_that_has_stopped(
    monkeypatch: pytest.MonkeyPatch, ends: bool, remedy: str
) -> None:
    monkeypatch.setattr(capture_module, "PATIENCE_S", 0.1)
    source = LiveSource(capture_of(Video(*[cv2.error("empty")] * 1000)), "cam", ends=ends)
    with pytest.raises(SourceStopped, match=rf"no good frame for 0\.1 s; {remedy}"):
        source.read()
    assert source.damaged > 0


def test_a_source_that_was_closed_gives_nothing_more_and_does_not_fail() -> None:
    video = Video(COLOUR)
    source = LiveSource(capture_of(video), "cam", ends=True)
    source.close()
    assert source.read() is None
    assert video.releases == 1


def test_surplus_frames_are_grabbed_and_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    video = Video(*[COLOUR] * 40)
    monkeypatch.setattr(time, "monotonic_ns", lambda: round(video.taken / 40 * 1e9))
    source = LiveSource(capture_of(video), "cam", ends=True, fps=10)
    assert [frame.sequence for frame in (source.read() for _ in range(5)) if frame] == [0, 1, 2, 3, 4]
    assert 16 <= video.taken <= 20


def test_a_film_ends_or_starts_over_and_counts_what_is_damaged() -> None:
    pictures = (COLOUR, cv2.error("broken"), row(JPEG))
    once = FilmSource(capture_of(Video(*pictures), keep_jpeg=True), "film")
    assert [type(each) for each in iter(once.read, None)] == [Frame, Packet]
    assert once.damaged == 1
    looped = FilmSource(capture_of(Video(*pictures), keep_jpeg=True), "film", loop=True)
    captured = [looped.read() for _ in range(5)]
    assert [each.sequence for each in captured if each] == [0, 1, 2, 3, 4]
    assert looped.damaged == 2


def test_a_film_whose_stamps_run_wild_is_played_at_30_fps() -> None:
    film = FilmSource(capture_of(Video(*[COLOUR] * 7, stamps_ms=(0, 0, 1e9, -5, 1e12, 3, 3))), "film")
    started_s = time.monotonic()
    assert len(list(iter(film.read, None))) == 7
    assert 6 / 30 - 0.05 < time.monotonic() - started_s < 30
