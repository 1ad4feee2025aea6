"""Frames through OpenCV's VideoCapture: live from a camera or a stream, or played from a film."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import DecodeError, SourceStopped
from ..frame import Captured, Frame, Image, Packet
from ..pictures.jpeg import decode_image
from ..pictures.jpeg_header import dimensions, is_complete
from ..pictures.opencv import cv2
from ..runtime.pacing import Pacer, RateLimit

MJPG = cv2.VideoWriter.fourcc(*"MJPG")
PATIENCE_S = 5.0
"""Within how many seconds it is noticed that a camera or a live stream has stopped, in whatever way."""

_EOI = b"\xff\xd9"
_OWN_ZEROS = 4  # bytes that may be the picture's own; if they are not, a decoder skips them
_RETRY_S = 0.02
_USUAL_FPS = 30.0
_MAX_FPS = 240.0
_LONGEST_PAUSE_S = 10.0
_OLDEST_CAMERA_BUFFER_NS = 10_000_000_000


class Capture:
    """A ``cv2.VideoCapture`` that another thread may close while this one reads, and that scales to ``size``.

    Releasing a VideoCapture that is in use crashes, and waiting for it would take seconds when a camera hangs.
    So ``close`` only leaves a note if a call is under way, and that call releases the capture when it ends.
    """

    def __init__(
        self, video: cv2.VideoCapture, size: tuple[int, int] | None = None, *, keep_jpeg: bool = False
    ) -> None:
        """Take a video; with `keep_jpeg`, JPEGs that it gives are left as they are, if they need no scaling."""
        self.stopped = threading.Event()
        self._video = video
        self._size = size
        self._keeps_jpeg = keep_jpeg
        self._lock = threading.Lock()
        self._called_at_s: float | None = None
        self._camera_clock = video.isOpened() and video.getBackendName() == "V4L2"

    def grab(self) -> bool:
        """Fetch the next frame, not decoded where that can be put off; False if there is none."""
        with self._in_use():
            return self._video.grab()

    def retrieve(self) -> Image | bytes | None:
        """Return the grabbed frame as an image of its own or as a JPEG, or None if it is damaged."""
        try:
            with self._in_use():
                good, picture = self._video.retrieve()
            if good and self._keeps_jpeg and (jpeg := self._as_jpeg(picture)):
                return jpeg
            image = _as_image(picture) if good else None
        except (cv2.error, DecodeError):  # OpenCV raises when a camera gave an empty buffer
            return None
        return None if image is None else self._scaled(image)

    def get(self, prop: int) -> float:
        """Return a property of the VideoCapture; 0 when it is unknown or closed."""
        with self._in_use():
            return self._video.get(prop)

    def rewind(self) -> bool:
        """Go back to the first frame; False where that cannot be done."""
        with self._in_use():
            return self._video.set(cv2.CAP_PROP_POS_FRAMES, 0)

    def taken_ns(self) -> int:
        """Return when the grabbed frame was taken, on the monotonic clock in nanoseconds; now, if no camera says so.

        Linux drivers stamp frames on CLOCK_MONOTONIC, or on another clock: then the age is absurd and not used.
        """
        now_ns = time.monotonic_ns()
        if not self._camera_clock:
            return now_ns
        taken_ns = round(self.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        return taken_ns if 0 <= now_ns - taken_ns <= _OLDEST_CAMERA_BUFFER_NS else now_ns

    @property
    def blocked_s(self) -> float:
        """For how long the call that is under way has lasted, in seconds; 0 between calls."""
        called_at_s = self._called_at_s
        return time.monotonic() - called_at_s if called_at_s else 0.0

    def close(self) -> None:
        """Release the camera, file or connection, at the latest when the call ends that uses it now."""
        self.stopped.set()
        self._release()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        try:
            with self._lock:
                self._called_at_s = time.monotonic()
                yield
        finally:
            self._called_at_s = None
            if self.stopped.is_set():
                self._release()

    def _release(self) -> None:
        if self._lock.acquire(blocking=False):
            self._video.release()
            self._lock.release()

    def _as_jpeg(self, picture: Any) -> bytes | None:
        """Return the JPEG in what VideoCapture gave, if any decoder can read it and its size is the wanted one."""
        if picture.ndim != 2 or picture.shape[0] != 1:
            return None
        jpeg = picture.tobytes().rstrip(b"\0")  # cameras fill up their buffers
        try:
            fits = self._size in (None, dimensions(jpeg))
        except DecodeError:
            return None
        return jpeg if fits and is_complete(jpeg) else None

    def _scaled(self, image: Image) -> Image:
        height, width = image.shape[:2]
        if self._size is None or self._size == (width, height):
            return image
        shrinks = self._size[0] < width or self._size[1] < height
        scaled = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        return scaled.astype(np.uint8, copy=False)


def _as_image(picture: Any) -> Image | None:
    """Return a BGR image from what VideoCapture gave: one, a grey one, or a row of JPEG bytes; None if it is neither.

    Raises:
        DecodeError: the JPEG is damaged.
    """
    if picture is None or picture.dtype != np.uint8:
        return None
    if picture.ndim == 2 and picture.shape[0] == 1:
        return decode_image(_with_end(picture.tobytes()))
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(picture) if picture.shape[2] == 3 else None


def _with_end(buffer: bytes) -> bytes:
    """Return the JPEG in a camera's buffer: without what fills it up, and with its end, which some leave out."""
    jpeg = buffer.rstrip(b"\0")
    if jpeg.endswith(_EOI):
        return jpeg
    return buffer[: len(jpeg) + _OWN_ZEROS] + _EOI


def _captured(picture: Image | bytes, captured_at_ns: int, sequence: int, source: str) -> Captured:
    if isinstance(picture, bytes):
        return Packet(picture, *dimensions(picture), captured_at_ns, source, sequence=sequence)
    return Frame(picture, captured_at_ns, sequence, source)


_CHECK_STREAM = "check the network, and that its server still sends"


class LiveSource:
    """A camera or a live stream: frames come when they come.

    Args:
        ends: whether a failure to grab a frame is the end, as it is for a stream; a camera may give the next one.
        fps: surplus frames are grabbed and not decoded; None for all.

    Attributes:
        damaged: frames that were left out, because they are empty, cut short or no picture.
    """

    can_wait = False

    def __init__(self, capture: Capture, name: str, *, ends: bool, fps: float | None = None) -> None:
        self.name = name
        self.damaged = 0
        self._capture = capture
        self._ends = ends
        self._rate = RateLimit(fps)
        self._sequence = 0

    def read(self) -> Captured | None:
        """Wait for the next good frame; None when closed.

        Raises:
            SourceStopped: no good frame came for PATIENCE_S, or the stream ended.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while not self._capture.stopped.is_set():
            grabbed = self._capture.grab()
            taken_ns = self._capture.taken_ns()
            captured_at_ns = time.time_ns() - (time.monotonic_ns() - taken_ns)
            if grabbed and not self._rate.keep(taken_ns / 1e9):
                deadline_s = time.monotonic() + PATIENCE_S
                continue
            picture = self._capture.retrieve() if grabbed else None
            if picture is not None:
                self._sequence += 1
                return _captured(picture, captured_at_ns, self._sequence - 1, self.name)
            self.damaged += grabbed
            self._check(grabbed, deadline_s)
            self._capture.stopped.wait(_RETRY_S)
        return None

    @property
    def blocked_s(self) -> float:
        """For how long a call of the driver or the network has not returned, in seconds."""
        return self._capture.blocked_s

    def close(self) -> None:
        """Release the camera or connection; a read that waits for a frame ends with it, or at its time-out."""
        self._capture.close()

    def _check(self, grabbed: bool, deadline_s: float) -> None:
        if self._capture.stopped.is_set():
            return
        if self._ends and not grabbed:
            raise SourceStopped(self.name, "the stream ended or the connection was lost", _CHECK_STREAM)
        if time.monotonic() >= deadline_s:
            remedy = _CHECK_STREAM if self._ends else "check the cable and that no other program uses it"
            raise SourceStopped(self.name, f"no good frame for {PATIENCE_S:g} s", remedy)


class FilmSource:
    """A film with a beginning and an end, played at its own speed.

    Args:
        fps: frames between are left out, so that the film keeps its speed; None for all.
        loop: start over at the end.

    Attributes:
        damaged: frames that were left out, because they are not pictures.
        blocked_s: always 0: a film may take its time.
    """

    blocked_s = 0.0
    can_wait = True

    def __init__(self, capture: Capture, name: str, *, fps: float | None = None, loop: bool = False) -> None:
        self.name = name
        self.damaged = 0
        self._capture = capture
        self._loop = loop
        self._rate = RateLimit(fps)
        own_fps = capture.get(cv2.CAP_PROP_FPS)
        self._period_s = 1 / (own_fps if 1 <= own_fps <= _MAX_FPS else _USUAL_FPS)
        self._pacer = Pacer(capture.stopped, catch_up_s=2 * self._period_s)
        self._stamp_s = self._film_s = -self._period_s
        self._sequence = 0

    def read(self) -> Captured | None:
        """Wait for the time of the next frame; None at the end or when closed. Damaged frames are left out."""
        while self._advance():
            if not self._rate.keep(self._film_s):
                continue
            if not self._pacer.wait_until(self._film_s):
                return None
            captured_at_ns = time.time_ns()
            picture = self._capture.retrieve()
            if picture is not None:
                self._sequence += 1
                return _captured(picture, captured_at_ns, self._sequence - 1, self.name)
            self.damaged += 1
        return None

    def close(self) -> None:
        """Close the film and end a waiting read."""
        self._capture.close()

    def _advance(self) -> bool:
        """Grab the next frame and return its time, which runs on when the film starts over."""
        if not self._capture.grab() and not (self._loop and self._capture.rewind() and self._capture.grab()):
            return False
        stamp_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        step_s = stamp_s - self._stamp_s
        # Stamps that stand still, jump or run wild are not the film's time; its frame rate is the next best.
        self._film_s += step_s if 1 / _MAX_FPS <= step_s <= _LONGEST_PAUSE_S else self._period_s
        self._stamp_s = stamp_s
        return True
