"""JPEGs that fit: quality first, then size, said once; what cannot fit is an error."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from pulsar_cam import fit
from pulsar_cam.errors import EncodeError
from pulsar_cam.fit import FittingEncoder
from pulsar_cam.frame import Frame, Packet
from pulsar_cam.jpeg import encode
from pulsar_cam.jpeg_header import dimensions


def noise(width: int, height: int) -> Frame:
    """Return the picture that compresses worst."""
    return Frame(np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8), 0, sequence=4, source="cam")


SMALL = noise(160, 120)


def test_frame_that_fits_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    encoder = FittingEncoder(95, max_bytes=1_000_000)
    packet = encoder.encode(SMALL)
    assert (packet.width, packet.height, packet.quality) == (160, 120, 95)
    assert (encoder.quality, encoder.scale) == (95, 1.0)
    assert caplog.messages == []


def test_exactly_the_limit_fits() -> None:
    size = len(encode(SMALL, 95).jpeg)
    assert FittingEncoder(95, max_bytes=size).encode(SMALL).quality == 95
    assert FittingEncoder(95, max_bytes=size - 1).encode(SMALL).quality == 85


@pytest.mark.parametrize("max_bytes", [783_360, 200_000])
def test_noise_in_4k_is_made_to_fit_and_that_is_said_once(max_bytes: int, caplog: pytest.LogCaptureFixture) -> None:
    encoder, frame = FittingEncoder(95, max_bytes), noise(3840, 2160)
    packets = [encoder.encode(frame) for _ in range(3)]
    for packet in packets:
        assert len(packet.jpeg) <= max_bytes
        assert dimensions(packet.jpeg) == (packet.width, packet.height)
        assert (packet.quality, packet.sequence, packet.source) == (40, 4, "cam")
        assert packet.width / packet.height == pytest.approx(16 / 9, rel=0.02)
    assert packets[0].width < 3840
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"quality 40 and {packets[0].width}x{packets[0].height}" in caplog.messages[0]


def test_quality_is_lowered_before_size(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def noting(frame: Frame, quality: int) -> Packet:
        tried.append((quality, frame.width))
        return encode(frame, quality)

    monkeypatch.setattr(fit, "encode", noting)
    FittingEncoder(75, max_bytes=3000).encode(SMALL)
    assert tried[:6] == [(75, 160), (65, 160), (55, 160), (45, 160), (40, 160), (40, 120)]


def test_a_quality_that_is_low_already_is_kept() -> None:
    packet = FittingEncoder(20, max_bytes=3000).encode(SMALL)
    assert packet.quality == 20
    assert packet.width < 160


def test_a_lower_limit_counts_from_the_next_frame_on() -> None:
    encoder = FittingEncoder(95, max_bytes=1_000_000)
    assert len(encoder.encode(SMALL).jpeg) > 5000
    encoder.max_bytes = 5000
    assert len(encoder.encode(SMALL).jpeg) <= 5000


@pytest.mark.parametrize("max_bytes", [100, 0, -2000])
def test_limit_that_no_jpeg_meets_is_an_error_every_time(max_bytes: int) -> None:
    encoder = FittingEncoder(95, max_bytes)
    for _ in range(2):
        with pytest.raises(EncodeError, match="at no quality and size"):
            encoder.encode(SMALL)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_thin_pictures_keep_at_least_a_pixel(size: tuple[int, int]) -> None:
    with pytest.raises(EncodeError, match="at no quality and size"):
        FittingEncoder(95, max_bytes=1).encode(noise(*size))


def test_image_that_is_none_is_an_error() -> None:
    with pytest.raises(EncodeError, match="cannot be a JPEG"):
        FittingEncoder(95, max_bytes=1000).encode(Frame(np.zeros((0, 0, 3), np.uint8), 0))
