"""What a JPEG declares: true for real ones, refused for bombs, and found in a bounded number of steps."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.errors import DecodeError
from pulsar_cam.pictures.jpeg_header import MAX_PIXELS, dimensions, is_complete

from ..lab.bombs import CMYK, EOI, SOI, frame_header, scan_header
from ..lab.hostile import value_or_error

COMMENT = b"\xff\xfe\x00\x07hello"


def picture(width: int, height: int, *parameters: int) -> bytes:
    image = np.full((height, width, 3), 99, np.uint8)
    return bytes(cv2.imencode(".jpg", image, parameters)[1])


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (640, 480), (3840, 2160)])
@pytest.mark.parametrize("parameters", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)])
def test_dimensions_are_those_of_the_encoded_picture(size: tuple[int, int], parameters: tuple[int, ...]) -> None:
    assert dimensions(picture(*size, *parameters)) == size


@pytest.mark.parametrize(
    "jpeg",
    [
        SOI + frame_header(640, 480) + EOI,
        SOI + COMMENT * 20 + frame_header(640, 480),
        SOI + b"\xff" * 100 + frame_header(640, 480)[1:],
        SOI + b"\xff\x01" + frame_header(640, 480),
        SOI + b"\xff\xc4\x00\x08\x08\x00\x01\x00\x01\x03" + frame_header(640, 480),
        SOI + b"\xff\xfe\x00\x15" + frame_header(9, 9) + frame_header(640, 480),
        *(SOI + frame_header(640, 480, marker) for marker in (0xC1, 0xC2)),
    ],
    ids=["plain", "comments", "fill bytes", "TEM", "DHT", "frame header in a comment", "C1", "C2"],
)
def test_frame_header_is_found_behind_other_segments(jpeg: bytes) -> None:
    assert dimensions(jpeg) == (640, 480)


@pytest.mark.parametrize(
    ("jpeg", "problem"),
    [
        (b"", "not a JPEG"),
        (b"hello", "not a JPEG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a JPEG"),
        (SOI, "not a JPEG"),
        (SOI + EOI, "a JPEG without a frame header"),
        (SOI + b"\xff" * 1_000_000, "a JPEG without a frame header"),
        (SOI + b"\xff\xd0" * 1_000_000, "a JPEG without a frame header"),
        (SOI + b"\xff\xe0\x00\x00" * 1_000_000, "a JPEG without a frame header"),
        (SOI + COMMENT * 2000 + frame_header(640, 480), "a JPEG without a frame header"),
        (SOI + b"\xff\xfe\xff\xff", "a JPEG without a frame header"),
        (SOI + COMMENT + b"?" + frame_header(640, 480), "a JPEG without a frame header"),
        (SOI + frame_header(0, 480), "a JPEG of 0x480 pixels is refused"),
        (SOI + frame_header(640, 0), "a JPEG of 640x0 pixels is refused"),
        (SOI + frame_header(65500, 65500), "a JPEG of 65500x65500 pixels is refused"),
        (SOI + frame_header(30000, 30000), "a JPEG of 30000x30000 pixels is refused"),
        (SOI + frame_header(640, 480) + b"\xff\xda" * 31, "a JPEG of more than 30 scans is refused"),
    ],
)
def test_anything_else_is_refused(jpeg: bytes, problem: str) -> None:
    with pytest.raises(DecodeError) as caught:
        dimensions(jpeg)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("width", "height", "tail"),
    [(8192, 4320, scan_header([1, 2, 3])), (4096, 3072, scan_header([1])), (4096, 3072, b"")],
    ids=["one scan", "several scans", "no scan"],
)
def test_largest_picture_is_accepted_and_a_larger_one_is_not(width: int, height: int, tail: bytes) -> None:
    assert dimensions(SOI + frame_header(width, height) + tail) == (width, height)
    with pytest.raises(DecodeError, match=f"a JPEG of {width}x{height + 1} pixels .*is refused"):
        dimensions(SOI + frame_header(width, height + 1) + tail)


@pytest.mark.parametrize(
    "header",
    [
        *(frame_header(640, 480, marker) for marker in (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCF)),
        frame_header(640, 480, bits=12),
        frame_header(640, 480, sampling=CMYK),
    ],
)
def test_kinds_that_no_camera_sends_are_refused(header: bytes) -> None:
    with pytest.raises(DecodeError, match="unusual kind"):
        dimensions(SOI + header)


def test_every_truncated_header_is_refused() -> None:
    jpeg = SOI + COMMENT + frame_header(640, 480)
    complete = jpeg.index(frame_header(640, 480)) + 10
    for length in range(complete):
        with pytest.raises(DecodeError):
            dimensions(jpeg[:length])
    assert dimensions(jpeg[:complete]) == (640, 480)


class CountingBytes(bytes):
    """Bytes that count how often one of them is looked at."""

    looks = 0

    def __getitem__(self, at: Any) -> Any:
        self.looks += 1
        return super().__getitem__(at)


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xd0", b"\xff\x01", b"\xff\xe0\x00\x00", b"\xff\xe0\x00\x02"])
def test_search_ends_after_a_bounded_number_of_steps(filling: bytes) -> None:
    jpeg = CountingBytes(SOI + b"\xff\xfe\x00\x02" + filling * 1_000_000)
    with pytest.raises(DecodeError):
        dimensions(jpeg)
    assert 0 < jpeg.looks < 5000


def test_a_picture_hidden_where_a_decoder_looks_and_we_do_not_is_refused() -> None:
    # A decoder skips the two bytes FF 00 and goes on with what follows; read as a segment, it would be jumped over.
    hidden = frame_header(30000, 30000)
    with pytest.raises(DecodeError):
        dimensions(SOI + b"\xff\x00" + struct.pack(">H", len(hidden) + 2) + hidden + frame_header(64, 64))


@given(st.binary(max_size=300).map(lambda tail: SOI + b"\xff" + tail) | st.binary(max_size=300))
def test_any_bytes_give_a_safe_size_or_a_decode_error(data: bytes) -> None:
    size = value_or_error(lambda: dimensions(data), DecodeError)
    assert size is None or 0 < size[0] * size[1] <= MAX_PIXELS


def test_a_complete_jpeg_has_an_end_and_its_huffman_tables() -> None:
    jpeg = picture(64, 48)
    assert is_complete(jpeg)
    assert not is_complete(jpeg[:-1])
    tables_at = jpeg.index(b"\xff\xc4")
    assert not is_complete(jpeg[:tables_at] + jpeg[jpeg.index(b"\xff\xda") :])
    assert not is_complete(b"")


def test_scan_markers_behind_the_only_scan_of_a_sequential_frame_do_not_count() -> None:
    jpeg = picture(64, 48)
    assert dimensions(jpeg + b"\xff\xda" * 100) == (64, 48)


def test_scans_of_other_frames_count() -> None:
    progressive = picture(64, 48, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    with pytest.raises(DecodeError, match="more than 30 scans"):
        dimensions(progressive + b"\xff\xda" * 100)
    jpeg = picture(64, 48)
    components_at = jpeg.index(b"\xff\xda") + 4
    one_component = jpeg[:components_at] + b"\x01" + jpeg[components_at + 1 :]
    with pytest.raises(DecodeError, match="more than 30 scans"):
        dimensions(one_component + b"\xff\xda" * 100)
