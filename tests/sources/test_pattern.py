"""The test card: what is drawn is what is read, also after JPEG, and nothing else passes for it."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from pulsar_cam.frame import Frame, Image
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.sources.pattern import PatternMark, PatternSource, read_pattern

SIZES = [(320, 240), (640, 480), (641, 479), (1280, 720), (1366, 768), (1920, 1080), (3840, 2160)]


def through_jpeg(image: Image, quality: int) -> Image:
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.astype(np.uint8, copy=False)


def frames(size: tuple[int, int], count: int) -> list[Frame]:
    source = PatternSource(size, fps=240)
    read = [source.read() for _ in range(count)]
    return [frame for frame in read if frame is not None]


@pytest.mark.parametrize("quality", [20, 50, 80, 95])
@pytest.mark.parametrize("size", SIZES)
def test_number_and_time_survive_jpeg(size: tuple[int, int], quality: int) -> None:
    for number, frame in enumerate(frames(size, 3)):
        assert (frame.width, frame.height) == size
        mark = read_pattern(through_jpeg(frame.image, quality))
        assert mark == PatternMark(number, frame.captured_at_ns // 1_000_000 % 2**32)


def test_frames_are_numbered_pictures_that_stay_as_they_are() -> None:
    first, second, third = frames((640, 480), 3)
    assert [first.sequence, second.sequence, third.sequence] == [0, 1, 2]
    assert first.source == "test-pattern"
    assert first.image.dtype == np.uint8
    assert first.image.flags.c_contiguous
    assert first.captured_at_ns < second.captured_at_ns < third.captured_at_ns <= time.time_ns()
    assert [m.number for m in map(read_pattern, (first.image, second.image)) if m] == [0, 1]


def test_the_picture_moves_apart_from_text_and_mark() -> None:
    source = PatternSource((640, 480), fps=10)
    first, second = (source.draw(number, 0) for number in (0, 5))
    disc_rows = slice(150, 235)
    assert np.any(first[disc_rows] != second[disc_rows])


def test_numbers_and_times_wrap_at_32_bits() -> None:
    image = PatternSource().draw(2**32 + 7, (2**32 + 9) * 1_000_000)
    assert read_pattern(image) == PatternMark(7, 9)


@pytest.mark.parametrize("size", [(16, 16), (100, 4000), (200, 16), (7680, 16), (163, 120)])
def test_odd_sizes_are_drawn(size: tuple[int, int]) -> None:
    (frame,) = frames(size, 1)
    assert (frame.width, frame.height) == size


def test_a_card_too_narrow_for_the_mark_is_read_as_none() -> None:
    (frame,) = frames((163, 120), 1)
    assert read_pattern(frame.image) is None


def test_noise_is_not_taken_for_a_mark() -> None:
    random = np.random.default_rng(seed=2)
    for size in (16, 170, 320, 640):
        for _ in range(200):
            image = random.integers(0, 256, (size, size, 3), np.uint8)
            assert read_pattern(image) is None
            hard_edges = np.repeat(np.repeat(random.integers(0, 2, (size // 8, size // 8, 3)), 8, 0), 8, 1)
            assert read_pattern((hard_edges * 255).astype(np.uint8)) is None


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_picture_is_not_taken_for_a_mark(level: int) -> None:
    assert read_pattern(np.full((480, 640, 3), level, np.uint8)) is None


def test_a_single_wrong_block_is_noticed() -> None:
    (frame,) = frames((640, 480), 1)
    block = 640 // 82
    for index in range(82):
        damaged = frame.image.copy()
        damaged[-8:, index * block : (index + 1) * block] ^= 255
        assert read_pattern(damaged) is None


def test_close_ends_a_waiting_read() -> None:
    source = PatternSource((320, 240), fps=0.01)
    assert source.read() is not None
    threading.Timer(0.1, source.close).start()
    assert source.read() is None
    source.close()
    assert source.read() is None
