"""Bombs against the decoder: each is refused with its reason, or is a picture, in bounded memory and silence."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from pulsar_cam.errors import DecodeError
from pulsar_cam.frame import Packet
from pulsar_cam.pictures.jpeg import decode
from pulsar_cam.sources.capture import Capture

from ..lab.bombs import bombs
from ..lab.hostile import assert_showable
from ..lab.memory import MOST_GROWTH_MB, needs_linux

BOMBS = bombs()
# Two frames at a time, as a viewer has them: one on show, and the next.
DECODE_ALL = """
from pulsar_cam.errors import DecodeError
from pulsar_cam.frame import Packet
from pulsar_cam.pictures.jpeg import decode
from tests.lab.bombs import bombs
from tests.lab.memory import peak_mb, resident_mb

packets = [Packet(bomb.jpeg, 1, 1, 0) for bomb in bombs().values()]
idle_mb, shown = resident_mb(), None
for packet in packets + packets:
    try:
        shown = decode(packet)
    except DecodeError:
        pass
print(peak_mb() - idle_mb)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_its_reason_or_is_a_picture(name: str) -> None:
    bomb = BOMBS[name]
    if bomb.refused is None:
        frame = decode(Packet(bomb.jpeg, 1, 1, 0))
        assert frame.image.max() == frame.image.min()
    else:
        with pytest.raises(DecodeError, match=bomb.refused) as caught:
            decode(Packet(bomb.jpeg, 1, 1, 0))
        assert_showable(str(caught.value))


class CameraOfBombs:
    """A camera, as OpenCV gives one, whose every buffer is the same."""

    def __init__(self, jpeg: bytes) -> None:
        self._buffer = np.frombuffer(jpeg or b"\0", np.uint8)[None, :]

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return False

    def retrieve(self) -> tuple[bool, NDArray[np.uint8]]:
        return True, self._buffer


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("keep_jpeg", [True, False], ids=["passed on", "decoded"])
def test_a_bomb_from_a_camera_is_left_out(name: str, keep_jpeg: bool) -> None:
    bomb = BOMBS[name]
    picture = Capture(cast(Any, CameraOfBombs(bomb.jpeg)), keep_jpeg=keep_jpeg).retrieve()
    is_damaged_inside = bomb.refused == "damaged JPEG"  # which only shows when it is decoded
    if bomb.refused and not (is_damaged_inside and keep_jpeg):
        assert picture is None
    elif not bomb.refused:
        assert isinstance(picture, bytes) == keep_jpeg


@needs_linux
def test_all_bombs_in_a_row_take_bounded_memory_and_leave_stderr_alone() -> None:
    done = subprocess.run([sys.executable, "-c", DECODE_ALL], capture_output=True, text=True, timeout=100)
    assert done.stderr == ""
    assert float(done.stdout) < MOST_GROWTH_MB
