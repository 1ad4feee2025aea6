"""Bombs against the decoder: each is refused with its reason, or is a picture, in bounded memory and silence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pulsar_cam.errors import DecodeError
from pulsar_cam.frame import Packet
from pulsar_cam.jpeg import decode

from .bombs import bombs
from .hostile import assert_showable
from .memory import MOST_GROWTH_MB, needs_linux

BOMBS = bombs()
# Two frames at a time, as a viewer has them: one on show, and the next.
DECODE_ALL = """
from pulsar_cam.errors import DecodeError
from pulsar_cam.frame import Packet
from pulsar_cam.jpeg import decode
from tests.bombs import bombs
from tests.memory import peak_mb, resident_mb

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


@needs_linux
def test_all_bombs_in_a_row_take_bounded_memory_and_leave_stderr_alone() -> None:
    done = subprocess.run([sys.executable, "-c", DECODE_ALL], capture_output=True, text=True, timeout=100)
    assert done.stderr == ""
    assert float(done.stdout) < MOST_GROWTH_MB
