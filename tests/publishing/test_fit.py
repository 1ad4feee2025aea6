"""JPEGs that fit: quality first, then size, back up when frames get lighter; what cannot fit is an error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from pulsar_cam.errors import EncodeError
from pulsar_cam.frame import Frame, Packet
from pulsar_cam.pictures.jpeg import encode
from pulsar_cam.pictures.jpeg_header import dimensions
from pulsar_cam.publishing import fit
from pulsar_cam.publishing.control.setting import Setting
from pulsar_cam.publishing.fit import FittingEncoder


def noise(width: int, height: int) -> Frame:
    """Return the picture that compresses worst."""
    return Frame(np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8), 0, sequence=4, source="cam")


SMALL = noise(160, 120)
PLAIN = Frame(np.full((120, 160, 3), 90, np.uint8), 0, source="cam")


def film(*shots: tuple[Frame, float], fps: float = 30.0) -> Iterator[Frame]:
    """Yield the frame of each shot for its seconds, each with its time."""
    number = 0
    for frame, seconds in shots:
        for _ in range(round(seconds * fps)):
            yield replace(frame, captured_at_ns=round(number * 1e9 / fps), sequence=number)
            number += 1


@pytest.fixture
def encodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The quality of every encode, also of those that were too big."""
    qualities: list[int] = []

    def noting(frame: Frame, quality: int) -> Packet:
        qualities.append(quality)
        return encode(frame, quality)

    monkeypatch.setattr(fit, "encode", noting)
    return qualities


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


def test_quality_is_lowered_before_size() -> None:
    looks = []
    for max_bytes in range(25_000, 2_000, -1_000):
        encoder = FittingEncoder(75, max_bytes)
        packet = encoder.encode(SMALL)
        looks.append((packet.quality, packet.width))
    assert looks[0] == (75, 160)
    assert looks[-1] == (40, 80)
    assert looks == sorted(looks, key=lambda look: (look[1], look[0]), reverse=True)
    assert {quality for quality, width in looks if width < 160} == {40}


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
        with pytest.raises(EncodeError, match="at every quality and size; raise"):
            encoder.encode(SMALL)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_thin_pictures_keep_at_least_a_pixel(size: tuple[int, int]) -> None:
    with pytest.raises(EncodeError, match="at every quality and size; raise"):
        FittingEncoder(95, max_bytes=1).encode(noise(*size))


def test_image_that_is_none_is_an_error() -> None:
    with pytest.raises(EncodeError, match="cannot be a JPEG"):
        FittingEncoder(95, max_bytes=1000).encode(Frame(np.zeros((0, 0, 3), np.uint8), 0))


def test_heavy_source_costs_one_encode_per_frame(encodes: list[int]) -> None:
    encoder = FittingEncoder(95, max_bytes=9_000)
    frames = list(film((SMALL, 60)))
    for frame in frames:
        assert len(encoder.encode(frame).jpeg) <= 9_000
    assert len(encodes) <= len(frames) * 1.02


@pytest.mark.parametrize("max_bytes", range(4_000, 24_000, 2_500))
def test_a_rung_that_never_fits_is_tried_less_and_less(max_bytes: int, encodes: list[int]) -> None:
    """Whatever the limit, and however wrong the prediction for pure noise."""
    encoder = FittingEncoder(95, max_bytes)
    packets = [encoder.encode(frame) for frame in film((SMALL, 120), fps=5)]
    assert len(encodes) <= len(packets) + 12
    assert len({packet.quality for packet in packets[-100:]}) == 1


def test_lighter_frames_bring_the_wanted_quality_back_one_rung_a_second(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    encoder = FittingEncoder(95, max_bytes=14_000)
    qualities = [encoder.encode(frame).quality for frame in film((SMALL, 2), (PLAIN, 6))]
    lowered = qualities[0]
    assert lowered is not None
    assert lowered < 95
    assert set(qualities[:60]) == {lowered}
    changes = [at for at in range(1, len(qualities)) if qualities[at] != qualities[at - 1]]
    assert all(later - earlier >= 30 for earlier, later in pairwise(changes))
    assert qualities[-1] == 95
    assert [record.levelname for record in caplog.records] == ["WARNING"] + ["INFO"] * len(changes)
    assert "again at quality 95 and 160x120" in caplog.messages[-1]


def test_a_clock_that_was_set_back_does_not_keep_the_quality_low() -> None:
    encoder = FittingEncoder(95, max_bytes=14_000)
    assert encoder.encode(replace(SMALL, captured_at_ns=10**18)).quality != 95
    assert [encoder.encode(frame) for frame in film((PLAIN, 6))][-1].quality == 95


def test_what_is_wanted_counts_from_the_next_frame_on(encodes: list[int], caplog: pytest.LogCaptureFixture) -> None:
    encoder = FittingEncoder(80, max_bytes=1_000_000)
    for wanted in (Setting(80), Setting(60), Setting(40, 0.5), Setting(80, fps=5)):
        encoder.wanted = wanted
        packet = encoder.encode(SMALL)
        assert (packet.quality, packet.width, packet.height) == (
            wanted.quality, 160 * wanted.scale, 120 * wanted.scale
        )  # fmt: skip
    assert len(encodes) == 4
    assert caplog.messages == []


def test_the_limit_lowers_what_is_wanted_further_without_trying_what_cannot_fit(encodes: list[int]) -> None:
    encoder = FittingEncoder(95, max_bytes=12_000)
    assert encoder.encode(SMALL).quality == 65
    encoder.wanted = Setting(40)
    assert encoder.encode(SMALL).quality == 40
    before = len(encodes)
    encoder.wanted = Setting(95)
    assert encoder.encode(SMALL).quality in (55, 65)
    assert len(encodes) == before + 1


def test_a_ready_jpeg_may_go_as_it_is_while_it_fits_and_the_best_is_wanted() -> None:
    encoder, packet = FittingEncoder(80, max_bytes=20_000), encode(SMALL, 80)
    assert encoder.takes(packet)
    encoder.wanted = Setting(80, fps=5)
    assert encoder.takes(packet)
    for lower in (Setting(70), Setting(80, 0.5)):
        encoder.wanted = lower
        assert not encoder.takes(packet)
    encoder.wanted, encoder.max_bytes = Setting(80), len(packet.jpeg) - 1
    assert not encoder.takes(packet)
