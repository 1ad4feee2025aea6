"""Small JPEGs that want much: built from their segments, so that each declares and holds exactly what its name says.

Segments and codes: ITU-T T.81, annexes B (syntax), F (sequential) and G (progressive).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
BASELINE, PROGRESSIVE, LOSSLESS, ARITHMETIC = 0xC0, 0xC2, 0xC3, 0xC9
GREY = ((1, 1),)
YUV420 = ((2, 2), (1, 1), (1, 1))
YUV444 = ((1, 1), (1, 1), (1, 1))
CMYK = ((1, 1),) * 4

Sampling = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Bomb:
    """A JPEG, and a part of the sentence with which it is refused; None if it is a picture, however large."""

    jpeg: bytes
    refused: str | None = None


def segment(marker: int, body: bytes = b"") -> bytes:
    """Return a marker segment with its length."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def frame_header(
    width: int, height: int, marker: int = BASELINE, sampling: Sampling = YUV420, bits: int = 8
) -> bytes:
    """Return a start-of-frame segment (B.2.2)."""
    components = b"".join(bytes([number, h << 4 | v, 0]) for number, (h, v) in enumerate(sampling, start=1))
    return segment(marker, struct.pack(">BHHB", bits, height, width, len(sampling)) + components)


def scan_header(components: Sequence[int], first: int = 0, last: int = 63, high: int = 0, low: int = 0) -> bytes:
    """Return a start-of-scan segment (B.2.3) of these components' coefficients, in this step of their bits."""
    selectors = b"".join(bytes([number, 0]) for number in components)
    return segment(0xDA, bytes([len(components)]) + selectors + bytes([first, last, high << 4 | low]))


QUANTISATION = segment(0xDB, b"\0" + b"\1" * 64)


def code(kind: int, symbol: int) -> bytes:
    """Return a Huffman table (B.2.4.2) for DC (0) or AC (1) whose only code is one zero bit."""
    return segment(0xC4, bytes([kind << 4, 1]) + bytes(15) + bytes([symbol]))


# With these, zero bytes are valid data: each bit is a block without contents, or the end of one.
FLAT = QUANTISATION + code(0, 0) + code(1, 0)
# In a progressive scan, 15 zero bits are 16384 blocks without contents (G.1.2.2, EOB14).
EMPTY_RUNS = QUANTISATION + code(0, 0) + code(1, 0xE0)


def flat(width: int, height: int, marker: int = BASELINE, sampling: Sampling = YUV420, bits: int = 8) -> bytes:
    """Return a whole picture of one colour in a single scan, in the fewest bytes."""
    data = bytes(-(-2 * _blocks(width, height, sampling) // 8))
    header = frame_header(width, height, marker, sampling, bits)
    return SOI + FLAT + header + scan_header(range(1, len(sampling) + 1)) + data + EOI


def component_by_component(width: int, height: int, sampling: Sampling = YUV444) -> bytes:
    """Return a sequential picture that a decoder has to keep whole, because its components come one by one."""
    scans = b"".join(
        scan_header([number]) + bytes(-(-2 * blocks // 8))
        for number, blocks in enumerate(_blocks_of_each(width, height, sampling), start=1)
    )
    return SOI + FLAT + frame_header(width, height, BASELINE, sampling) + scans + EOI


def progressive(width: int, height: int, sampling: Sampling = YUV420, scans: int = 2) -> bytes:
    """Return a progressive picture: its colours in one scan, then scans over all of it that take a few bytes each."""
    components = range(1, len(sampling) + 1)
    colours = scan_header(components, 0, 0) + bytes(-(-_blocks(width, height, sampling) // 8))
    runs = [bytes(((blocks + 16383) // 16384 * 15 + 7) // 8) for blocks in _blocks_of_each(width, height, sampling)]
    details = b"".join(
        scan_header([1 + number % len(sampling)], 1, 63) + runs[number % len(sampling)] for number in range(scans - 1)
    )
    return SOI + EMPTY_RUNS + frame_header(width, height, PROGRESSIVE, sampling) + colours + details + EOI


def with_restarts(width: int, height: int, markers: bool = True) -> bytes:
    """Return a sequential picture with a restart interval of one unit, and with its markers or without them."""
    units = _blocks(width, height, YUV420) // 6
    data = b"".join(b"\0\0" + (bytes([0xFF, 0xD0 + unit % 8]) if markers else b"") for unit in range(units))
    interval = segment(0xDD, b"\0\1")
    return SOI + FLAT + interval + frame_header(width, height) + scan_header([1, 2, 3]) + data + EOI


def bombs() -> Mapping[str, Bomb]:
    """Return all bombs by name."""
    small, comment = flat(64, 64), segment(0xFE, b"")
    too_many_codes = QUANTISATION + segment(0xC4, b"\0" + b"\xff" * 16 + bytes(4080)) + code(1, 0)
    return {
        "empty": Bomb(b"", "not a JPEG"),
        "text": Bomb(b"GET / HTTP/1.1\r\n\r\n", "not a JPEG"),
        "PNG": Bomb(b"\x89PNG\r\n\x1a\n" + bytes(100), "not a JPEG"),
        "65500 x 65500": Bomb(_declaring(65500, 65500), "65500x65500 pixels is refused"),
        "30000 x 30000": Bomb(_declaring(30000, 30000), "30000x30000 pixels is refused"),
        "one row too many": Bomb(flat(8192, 4321), "8192x4321 pixels is refused"),
        "progressive 8K": Bomb(progressive(7680, 4320), "in several scans is refused"),
        "8K by component": Bomb(component_by_component(7680, 4320), "in several scans is refused"),
        "no columns": Bomb(_declaring(0, 480), "0x480 pixels is refused"),
        "rows declared after the scan": Bomb(
            _declaring(640, 0) + segment(0xDC, b"\xff\xdc"), "640x0 pixels is refused"
        ),
        "a thousand scans": Bomb(progressive(64, 64, scans=1000), "more than 30 scans is refused"),
        "lossless": Bomb(flat(640, 480, LOSSLESS), "unusual kind"),
        "arithmetic": Bomb(flat(640, 480, ARITHMETIC), "unusual kind"),
        "12 bits": Bomb(flat(640, 480, 0xC1, bits=12), "unusual kind"),
        "CMYK": Bomb(flat(640, 480, sampling=CMYK), "unusual kind"),
        "a million segments": Bomb(SOI + comment * 1_000_000, "without a frame header"),
        "unknown sampling": Bomb(flat(640, 480, sampling=((4, 4), (1, 1), (1, 1))), "damaged JPEG"),
        "too many codes": Bomb(small.replace(FLAT, too_many_codes), "damaged JPEG"),
        "no codes": Bomb(small.replace(FLAT, QUANTISATION), "damaged JPEG"),
        "no restart markers": Bomb(with_restarts(1024, 1024, markers=False), "damaged JPEG"),
        "8K without its data": Bomb(_declaring(7680, 4320), "damaged JPEG"),
        "8K with half its data": Bomb(flat(7680, 4320)[:100_000] + EOI, "damaged JPEG"),
        "4K progressive, cut off": Bomb(progressive(4096, 3072, YUV444, scans=10)[:-1000], "damaged JPEG"),
        "two pictures in one": Bomb(small[:-2] + small[2:], "damaged JPEG"),
        "largest": Bomb(flat(8192, 4320)),
        "largest without subsampling": Bomb(flat(8192, 4320, sampling=YUV444)),
        "largest and wide": Bomb(flat(65500, 540)),
        "largest and high": Bomb(flat(540, 65500)),
        "largest by component": Bomb(component_by_component(4096, 3072)),
        "largest in thirty scans": Bomb(progressive(4096, 3072, YUV444, scans=30)),
        "a million comments behind": Bomb(small[:-2] + comment * 1_000_000 + EOI),
        "4 MB of application data": Bomb(SOI + segment(0xE1, bytes(65533)) * 60 + small[2:]),
        "restart after each unit": Bomb(with_restarts(1024, 1024)),
    }


def _declaring(width: int, height: int) -> bytes:
    """Return a picture of this size that holds no data."""
    return SOI + FLAT + frame_header(width, height) + scan_header([1, 2, 3]) + bytes(300) + EOI


def _blocks(width: int, height: int, sampling: Sampling) -> int:
    """Return how many blocks of 8x8 samples a scan of all components has: whole units of them (A.2.3)."""
    across, down = _most(sampling)
    units = -(-width // (8 * across)) * -(-height // (8 * down))
    return units * sum(h * v for h, v in sampling)


def _blocks_of_each(width: int, height: int, sampling: Sampling) -> list[int]:
    """Return how many blocks a scan of one component has, for each (A.2.2)."""
    across, down = _most(sampling)
    return [-(-width * h // (8 * across)) * -(-height * v // (8 * down)) for h, v in sampling]


def _most(sampling: Sampling) -> tuple[int, int]:
    return max(h for h, _ in sampling), max(v for _, v in sampling)
