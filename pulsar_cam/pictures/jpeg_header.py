"""What a JPEG declares about itself, read without decoding it and without trusting it."""

from __future__ import annotations

from ..errors import DecodeError

MAX_PIXELS = 8192 * 4320
"""Larger pictures are refused before decoding: a JPEG of 600 bytes can declare gigabytes of pixels.

This lets 8K through, at 3 bytes a pixel: 106 MB.
"""
MAX_BUFFERED_PIXELS = 4096 * 3072
"""The same for JPEGs of several scans, progressive ones above all: a decoder keeps all of their coefficients.

They take up to 6 bytes a pixel more: 113 MB.
"""

_SOI = b"\xff\xd8\xff"
# Start-of-frame markers (ITU-T T.81, table B.1); C4, C8 and CC in the same range mean other things.
_SOF_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL_MARKERS = frozenset({0xC0, 0xC1})
# What cameras send; the rest is lossless, arithmetic or hierarchical, which few decoders read, and slowly.
_READ_MARKERS = _SEQUENTIAL_MARKERS | {0xC2}
_READ_COMPONENTS = (1, 3)
_SOS_MARKERS = frozenset({0xDA})
_STANDALONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
# A camera's JPEG has about ten segments before its frame header; a hostile one could have millions.
_MAX_SEGMENTS = 1000
# A camera's JPEG has one scan, a progressive one about ten. 33 bytes can make one, which is a pass over all pixels.
_MAX_SCANS = 30
_EOI, _DHT = b"\xff\xd9", b"\xff\xc4"
_SOS = b"\xff\xda"  # within a scan's data a zero follows every FF


def dimensions(jpeg: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels, as the frame header declares them.

    Raises:
        DecodeError: the bytes are not a JPEG, or one of a kind that no camera sends, or one with no pixels, too many
            pixels (MAX_PIXELS, MAX_BUFFERED_PIXELS) or too many scans.
    """
    if not jpeg.startswith(_SOI):
        raise DecodeError("not a JPEG")
    frame_at = _find(jpeg, 2, _SOF_MARKERS)
    marker, bits, components = jpeg[frame_at + 1], jpeg[frame_at + 4], jpeg[frame_at + 9]
    height, width = (int.from_bytes(jpeg[frame_at + offset : frame_at + offset + 2]) for offset in (5, 7))
    if marker not in _READ_MARKERS or bits != 8 or components not in _READ_COMPONENTS:
        raise DecodeError(f"a JPEG of an unusual kind is refused ({marker:X}, {bits} bits, {components} components)")
    if not 0 < width * height <= MAX_PIXELS:
        raise DecodeError(f"a JPEG of {width}x{height} pixels is refused")
    if not _has_one_scan(jpeg, frame_at):
        _check_scans(jpeg, width, height)
    return width, height


def _check_scans(jpeg: bytes, width: int, height: int) -> None:
    if width * height > MAX_BUFFERED_PIXELS:
        raise DecodeError(f"a JPEG of {width}x{height} pixels in several scans is refused")
    if jpeg.count(_SOS) > _MAX_SCANS:
        raise DecodeError(f"a JPEG of more than {_MAX_SCANS} scans is refused")


def is_complete(jpeg: bytes) -> bool:
    """Whether a JPEG has an end, and brings its Huffman tables along, which some cameras leave out."""
    return jpeg.endswith(_EOI) and _DHT in jpeg[: jpeg.find(_SOS)]


def _has_one_scan(jpeg: bytes, frame_at: int) -> bool:
    """Whether a decoder ends after the first scan: it holds all components of a sequential frame (B.2.2, B.2.3)."""
    if jpeg[frame_at + 1] not in _SEQUENTIAL_MARKERS:
        return False
    try:
        scan_at = _find(jpeg, frame_at + 2 + int.from_bytes(jpeg[frame_at + 2 : frame_at + 4]), _SOS_MARKERS)
    except DecodeError:
        return False
    return jpeg[scan_at + 4 : scan_at + 5] == jpeg[frame_at + 9 : frame_at + 10]


def _find(jpeg: bytes, at: int, wanted: frozenset[int]) -> int:
    """Walk the marker segments (ITU-T T.81, B.1.1) to the first of the wanted ones, and return where it begins."""
    for _ in range(_MAX_SEGMENTS):
        if at + 10 > len(jpeg) or jpeg[at] != 0xFF:
            break
        marker = jpeg[at + 1]
        if marker == 0:  # no marker; a decoder looks for one right behind, in what would be skipped here
            break
        if marker in wanted:
            return at
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _STANDALONE_MARKERS:
            at += 2
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    raise DecodeError("a JPEG without a frame header")
