"""Frames to JPEG and back; damaged data ends in an error, and nothing is decoded that was not announced."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsar_cam.errors import DecodeError, EncodeError
from pulsar_cam.frame import Frame, Image, Packet
from pulsar_cam.pictures.jpeg import decode, decode_image, encode
from pulsar_cam.pictures.jpeg_header import dimensions

from ..lab.bombs import SOI, frame_header
from ..lab.jpegs import without_huffman_tables


def gradient(width: int, height: int) -> Image:
    across = np.linspace(0, 255, width, dtype=np.uint8)
    return np.dstack(
        [np.tile(across, (height, 1)), np.full((height, width), 80, np.uint8), np.tile(across[::-1], (height, 1))]
    )


@pytest.mark.parametrize("size", [(1, 1), (17, 9), (640, 480), (1921, 1081)])
def test_frame_survives_encoding_and_decoding(size: tuple[int, int]) -> None:
    frame = Frame(gradient(*size), captured_at_ns=123, sequence=7, source="camera-0")
    packet = encode(frame, 95)
    assert (packet.width, packet.height, packet.quality) == (*size, 95)
    assert (packet.captured_at_ns, packet.sequence, packet.source) == (123, 7, "camera-0")
    assert (packet.session, packet.sent_at_ns) == (None, None)
    assert packet.encoded_at_ns
    assert dimensions(packet.jpeg) == size
    again = decode(packet)
    assert (again.width, again.height, again.captured_at_ns, again.sequence, again.source) == (
        *size,
        123,
        7,
        "camera-0",
    )
    assert again.image.dtype == np.uint8
    assert again.image.shape == frame.image.shape
    assert np.abs(again.image.astype(int) - frame.image.astype(int)).mean() < 4


def test_lower_quality_is_smaller() -> None:
    frame = Frame(np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8), 0)
    sizes = [len(encode(frame, quality).jpeg) for quality in (100, 80, 50, 1)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 640, 3), (10, 70000, 3), (10, 10, 2)])
def test_image_that_is_none_or_too_large_cannot_be_encoded(shape: tuple[int, ...]) -> None:
    with pytest.raises(EncodeError, match=r"^frame 5 cannot be a JPEG"):
        encode(Frame(np.zeros(shape, np.uint8), 0, sequence=5), 80)


def test_image_that_viewers_would_refuse_is_not_encoded() -> None:
    with pytest.raises(EncodeError, match=r"^frames of 8192x4321 pixels are too large for viewers; lower `size`$"):
        encode(Frame(np.zeros((4321, 8192, 3), np.uint8), 0), 80)


def packet_with(jpeg: bytes) -> Packet:
    return Packet(jpeg, width=1, height=1, captured_at_ns=0)


def test_damaged_or_foreign_bytes_cannot_be_decoded() -> None:
    good = encode(Frame(gradient(64, 48), 0), 80).jpeg
    bombs = [SOI + frame_header(side, side) + bytes(300) for side in (30000, 65500)]
    for jpeg in (b"", b"text", good[:2], good[:100], good.replace(b"\xff\xc0", b"\xff\xc8"), *bombs):
        with pytest.raises(DecodeError):
            decode(packet_with(jpeg))


def test_other_formats_that_opencv_knows_are_refused() -> None:
    image = gradient(64, 48)
    for suffix in (".png", ".bmp", ".webp", ".tiff"):
        with pytest.raises(DecodeError, match="not a JPEG"):
            decode(packet_with(bytes(cv2.imencode(suffix, image)[1])))


SMALL = encode(Frame(gradient(32, 16), 0), 80).jpeg
SCAN_DATA_AT = SMALL.index(b"\xff\xda")


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.integers(2, SCAN_DATA_AT),
            st.sampled_from([0x00, 0x01, 0xFF, 0xC0, 0xD8, 0xDA, 0xE0, 0xFE]) | st.integers(0, 255),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_mutated_picture_decodes_at_the_announced_size_or_not_at_all(changes: list[tuple[int, int]]) -> None:
    jpeg = bytearray(SMALL)
    for at, value in changes:
        jpeg[at] = value
    try:
        width, height = dimensions(bytes(jpeg))
        if width * height > 1_000_000:
            return
        frame = decode(packet_with(bytes(jpeg)))
    except DecodeError:
        return
    assert {frame.width, frame.height} == {width, height}


@pytest.mark.parametrize(
    ("fit", "size"),
    [
        (None, (640, 480)),
        ((640, 480), (640, 480)),
        ((321, 241), (640, 480)),
        ((9999, 240), (320, 240)),
        ((320, 9999), (320, 240)),
        ((320, 240), (320, 240)),
        ((160, 100), (160, 120)),
        ((1, 1), (80, 60)),
        ((2000, 2000), (640, 480)),
    ],
)
def test_a_smaller_picture_is_decoded_where_that_is_enough(
    fit: tuple[int, int] | None, size: tuple[int, int]
) -> None:
    frame = decode(encode(Frame(gradient(640, 480), 7, 3), 90), fit)
    assert (frame.width, frame.height) == size
    assert (frame.captured_at_ns, frame.sequence) == (7, 3)
    expected = cv2.resize(gradient(640, 480), size, interpolation=cv2.INTER_AREA)
    assert float(np.mean(cv2.absdiff(frame.image, np.asarray(expected, np.uint8)))) < 3


def test_what_cameras_leave_out_or_put_in_is_no_damage() -> None:
    jpeg = encode(Frame(gradient(64, 48), 0), 80).jpeg
    image = decode_image(jpeg)
    assert np.array_equal(decode_image(without_huffman_tables(jpeg)), image)
    assert np.array_equal(decode_image(jpeg + b"anything"), image)
    assert np.array_equal(decode_image(jpeg[:-2] + bytes(7) + jpeg[-2:]), image)
    with pytest.raises(DecodeError, match="extraneous"):
        decode_image(jpeg[:-2] + bytes(700) + jpeg[-2:])
