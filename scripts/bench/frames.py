"""The frames of the benchmark, drawn before any clock starts, and the camera that shows them at a steady rate."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pulsar_cam.pictures.opencv import cv2

from .gauge import Gauge, Mark
from .plan import QUALITY, RING, Job, Size

Image = NDArray[np.uint8]
_IMAGES = "images.npy"


class Shot(NamedTuple):
    """What a camera gives; `number` counts what it gave before, `jpeg` is empty unless asked for."""

    number: int
    image: Image
    jpeg: bytes
    captured_at_ns: int


def jpeg_of(image: Image) -> bytes:
    """Encode an image the way everyone does."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())


def make_ring(folder: Path, size: Size) -> float:
    """Draw the frames of a size into a folder; return what one weighs as a JPEG, on average, in bytes."""
    folder.mkdir(parents=True)
    images = draw(size, RING)
    np.save(folder / _IMAGES, images)
    jpegs = [jpeg_of(image) for image in images]
    for number, jpeg in enumerate(jpegs):
        (folder / f"{number}.jpg").write_bytes(jpeg)
    return float(np.mean([len(jpeg) for jpeg in jpegs]))


def draw(size: Size, count: int) -> NDArray[np.uint8]:
    """Return different images of a size, stacked, with as much grain as gives their JPEGs the wanted weight."""
    picture, grain = _picture(size), _grain(size)
    strength = _strength(picture, grain, size.jpeg_bytes)
    return np.stack([_image(picture, grain, strength, number) for number in range(count)])


def _picture(size: Size) -> NDArray[np.float32]:
    """Return something with colour, edges and smooth parts, as a photograph has."""
    y, x = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32) / size.height
    waves = [np.sin(9 * x + 3 * y), np.cos(7 * y - 4 * x), np.sin(5 * (x + y))]
    picture = (128 + 60 * np.stack(waves, axis=2)).astype(np.float32)
    picture[((x * 6).astype(int) + (y * 6).astype(int)) % 5 == 0] *= 0.6
    return picture


def _grain(size: Size) -> NDArray[np.float32]:
    return np.random.default_rng(seed=1).standard_normal((size.height, size.width, 1), np.float32)


def _image(picture: NDArray[np.float32], grain: NDArray[np.float32], strength: float, number: int) -> Image:
    moved = np.roll(picture, 8 * number, axis=1) + strength * np.roll(grain, 7919 * number, axis=(0, 1))
    return np.clip(moved, 0, 255).astype(np.uint8)


def _strength(picture: NDArray[np.float32], grain: NDArray[np.float32], wanted_bytes: int) -> float:
    """Return how much grain makes the JPEG weigh what it shall."""
    low, high = 0.0, 40.0
    for _ in range(9):
        middle = (low + high) / 2
        if len(jpeg_of(_image(picture, grain, middle, 0))) < wanted_bytes:
            low = middle
        else:
            high = middle
    return (low + high) / 2


class Camera:
    """Shows the ring at a steady rate, from the first `read` on.

    It keeps the newest frame, as a camera's driver does: a reader that comes in time waits for the next one, a reader
    that comes late gets the newest, and those in between are missed.

    Attributes:
        started_at_ns, ended_at_ns: when the first frame was taken, and when the time was over.
        given: frames that were read.
        missed: frames that were not fetched.
        marks: gauge readings after the first frames and at the end.
    """

    def __init__(self, job: Job, gauge: Gauge, *, encoded: bool = False) -> None:
        ring = Path(job.ring)
        # Copied, so that no page has to be fetched, and no memory seems to grow, while the clock runs.
        self._images: NDArray[np.uint8] = np.load(ring / _IMAGES)
        self._jpegs = [(ring / f"{number}.jpg").read_bytes() if encoded else b"" for number in range(RING)]
        self._job, self._gauge = job, gauge
        self._start_s = 0.0
        self._next = 0
        self.started_at_ns = self.ended_at_ns = 0
        self.given = self.missed = 0
        self.marks: list[Mark] = []

    def read(self) -> Shot | None:
        """Wait for the next frame; None when the time is over."""
        captured_at_ns = self._wait()
        if (self._next - 1) / self._job.fps >= self._job.seconds:
            self.end()
            return None
        if not self.marks and self._next / self._job.fps > self._job.settle_s:
            self.marks.append(self._gauge.read(self.given))
        number, self.given = self.given, self.given + 1
        return Shot(number, self._images[number % RING], self._jpegs[number % RING], captured_at_ns)

    def end(self) -> None:
        """Note that the time is over; once is enough."""
        if not self.ended_at_ns:
            self.ended_at_ns = time.time_ns()
            self.marks.append(self._gauge.read(self.given))

    def _wait(self) -> int:
        """Wait until there is a frame that was not given yet; return when it was taken, in nanoseconds."""
        if not self._start_s:
            self._start_s, self.started_at_ns = time.monotonic(), time.time_ns()
        newest = int((time.monotonic() - self._start_s) * self._job.fps)
        tick = max(self._next, newest)
        self.missed, self._next = self.missed + tick - self._next, tick + 1
        time.sleep(max(0.0, self._start_s + tick / self._job.fps - time.monotonic()))
        return self.started_at_ns + int(tick / self._job.fps * 1e9)
