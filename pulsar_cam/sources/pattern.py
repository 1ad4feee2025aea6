"""A moving test card whose frame number and time can be read back from the pixels.

The mark is one row of 82 black (0) and white (1) blocks along the lower edge, from the left: the bits 1 0 to
recognise it, 32 bits frame number, 32 bits capture time (Unix time in milliseconds, modulo 2**32), and 16 bits CRC
of those 8 bytes, most significant bit first. A block is ``width // 82`` pixels wide, and the row's height is a
multiple of 8 that starts at a multiple of 8, so that no JPEG block mixes it with the picture above. The reader needs
the image alone.

The CRC is CRC-16/CCITT-FALSE (https://reveng.sourceforge.io/crc-catalogue/16.htm), ``binascii.crc_hqx`` from 0xFFFF.
"""

from __future__ import annotations

import binascii
import struct
import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame, Image
from ..pictures.opencv import cv2
from ..runtime.pacing import Pacer

_BLOCKS = 2 + 32 + 32 + 16
_CRC_START = 0xFFFF
_TIME_MODULUS = 1 << 32
_BAR_COLOURS = [
    (235, 235, 235),
    (16, 235, 235),
    (235, 235, 16),
    (16, 235, 16),
    (235, 16, 235),
    (16, 16, 235),
    (235, 16, 16),
]


@dataclass(frozen=True, slots=True)
class PatternMark:
    """What a test card says about itself.

    Attributes:
        number: of the frame, from 0, modulo 2**32.
        time_ms: its capture time, Unix time in milliseconds, modulo 2**32 (49.7 days). The age of a frame
            is therefore ``(now_ms - mark.time_ms) % 2**32``.
    """

    number: int
    time_ms: int


def read_pattern(image: Image) -> PatternMark | None:
    """Return the mark of a test card, or None if the image has none that is intact.

    Args:
        image: ``uint8``, shape (height, width, 3), of the size in which the card was drawn: a decoded JPEG
            or a screenshot at 1:1. Cards of at least 320x240 survive JPEG at quality 20 and above.
    """
    height, width = image.shape[:2]
    block, top, bottom = _row_geometry(width, height)
    if not block or top < 0:
        return None
    # Only the middle of each block counts: JPEG rounds its edges off.
    middle, inner = (top + bottom) // 2, block // 3
    columns = image[middle - 2 : middle + 2, : block * _BLOCKS].mean(axis=(0, 2))
    levels = columns.reshape(_BLOCKS, block)[:, inner : block - inner].mean(axis=1)
    # Photographs and noise have greys here, so they end before the checksum has a chance to match.
    if np.any((levels > 80) & (levels < 175)):
        return None
    return _parse_bits(levels > 127)


class PatternSource:
    """Colour bars, a grey ramp, a moving disc, texture, number and clock, and the mark that `read_pattern` reads.

    Args:
        size: (width, height) in pixels; cards narrower than 164 pixels have no room for the mark.
        fps: frames per second.
    """

    name = "test-pattern"
    damaged = 0
    blocked_s = 0.0
    can_wait = True

    def __init__(self, size: tuple[int, int] = (1280, 720), fps: float = 30.0) -> None:
        self._stopped = threading.Event()
        self._pacer = Pacer(self._stopped, catch_up_s=2 / fps)
        self._fps = fps
        self._background = _draw_background(*size)
        self._number = 0

    def read(self) -> Frame | None:
        """Wait for the time of the next frame and draw it; None when closed."""
        if not self._pacer.wait_until(self._number / self._fps):
            return None
        captured_at_ns = time.time_ns()
        number, self._number = self._number, self._number + 1
        return Frame(self.draw(number, captured_at_ns), captured_at_ns, number, self.name)

    def close(self) -> None:
        """End the stream, also a waiting read."""
        self._stopped.set()

    def draw(self, number: int, captured_at_ns: int) -> Image:
        """Return the test card with this number and time in it, which `read_pattern` gives back."""
        image = self._background.copy()
        _draw_disc(image, number / self._fps)
        _draw_label(image, number, captured_at_ns)
        _draw_mark(image, number, captured_at_ns // 1_000_000)
        return image


def _row_geometry(width: int, height: int) -> tuple[int, int, int]:
    """Return block width, first row and row after the last of the mark; a block width of 0 means no room."""
    block = width // _BLOCKS
    row_height = max(8, (block + 7) // 8 * 8)
    top = (height - row_height) // 8 * 8
    return (block if block >= 2 else 0), top, top + row_height


def _parse_bits(bits: NDArray[np.bool_]) -> PatternMark | None:
    if not bits[0] or bits[1]:
        return None
    data = np.packbits(bits[2:]).tobytes()
    number, time_ms, checksum = struct.unpack(">IIH", data)
    if binascii.crc_hqx(data[:8], _CRC_START) != checksum:
        return None
    return PatternMark(number, time_ms)


def _draw_mark(image: Image, number: int, time_ms: int) -> None:
    height, width = image.shape[:2]
    block, top, bottom = _row_geometry(width, height)
    if not block or top < 0:
        return
    data = struct.pack(">II", number % _TIME_MODULUS, time_ms % _TIME_MODULUS)
    data += struct.pack(">H", binascii.crc_hqx(data, _CRC_START))
    bits = np.concatenate(([1, 0], np.unpackbits(np.frombuffer(data, np.uint8)))).astype(np.uint8)
    image[top:bottom, : block * _BLOCKS] = np.repeat(bits * 255, block)[None, :, None]


def _draw_background(width: int, height: int) -> Image:
    image = np.full((height, width, 3), 64, np.uint8)
    bars_end, ramp_end, texture_end = height * 55 // 100, height * 65 // 100, height * 95 // 100
    colours = np.array(_BAR_COLOURS, np.uint8)
    image[:bars_end] = colours[np.arange(width) * len(colours) // width]
    image[bars_end:ramp_end] = np.linspace(0, 255, width).astype(np.uint8)[None, :, None]
    image[ramp_end:texture_end] = _texture(width, texture_end - ramp_end)
    return image


def _texture(width: int, height: int) -> Image:
    """Return noise of several scales, which gives the JPEG about the size of a photograph's."""
    random = np.random.default_rng(seed=1)
    texture = np.full((height, width, 3), 128, np.float32)
    for scale, amplitude in ((32, 24), (8, 16), (2, 16), (1, 10)):
        # Mostly grey with a little colour, as in a photograph.
        for channels, share in ((1, 1.0), (3, 0.4)):
            shape = (height // scale + 1, width // scale + 1, channels)
            grain = random.standard_normal(shape, np.float32) * (amplitude * share)
            grown = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
            texture += grown.reshape(height, width, channels)
    return np.clip(texture, 0, 255).astype(np.uint8)


def _draw_disc(image: Image, seconds: float) -> None:
    """Draw the disc, which crosses the colour bars and comes back once in 4 seconds."""
    height, width = image.shape[:2]
    radius = max(2, height // 12)
    phase = abs(seconds / 2 % 2 - 1)
    centre = (round(radius + phase * (width - 2 * radius)), height * 40 // 100)
    cv2.circle(image, centre, radius, (0, 0, 0), -1, cv2.LINE_AA)
    cv2.circle(image, centre, radius * 3 // 4, (255, 255, 255), -1, cv2.LINE_AA)


def _draw_label(image: Image, number: int, captured_at_ns: int) -> None:
    """Write the frame number and the local time of day on black."""
    seconds, nanoseconds = divmod(captured_at_ns, 1_000_000_000)
    clock = time.strftime("%H:%M:%S", time.localtime(seconds))
    text = f"{number:06d}  {clock}.{nanoseconds // 1_000_000:03d}"
    height, width = image.shape[:2]
    # OpenCV 4 and 5 draw letters of different widths, so they are measured; zeros, to keep the size from wobbling.
    (unit_width, unit_height), _ = cv2.getTextSize("000000  00:00:00.000", cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)
    scale = width * 0.6 / unit_width
    text_height = round(unit_height * scale)
    left, baseline = width // 5, height // 20 + text_height * 3 // 2
    image[height // 20 : height // 20 + text_height * 2, width // 6 : width * 5 // 6] = 0
    cv2.putText(image, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
