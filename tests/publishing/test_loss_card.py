"""The picture that says why there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pulsar_cam.frame import Frame, Packet
from pulsar_cam.pictures.jpeg import decode, encode
from pulsar_cam.publishing import loss_card
from pulsar_cam.publishing.loss_card import LossCard
from pulsar_cam.sources.pattern import PatternSource, read_pattern

NOTICE = "camera-0 stopped: no good frame for 5 s, trying again"
ENOUGH = 1_000_000


def last_packet(size: tuple[int, int] = (640, 480)) -> Packet:
    frame = PatternSource(size, 240).read()
    assert frame
    return encode(frame, 80)


def card_after(last: Packet | None, max_bytes: int = ENOUGH) -> Packet:
    card = LossCard()
    card.last = last
    packet = card.due(NOTICE, "camera-0", max_bytes)
    assert packet
    assert (packet.notice, packet.source, packet.sequence) == (NOTICE, "camera-0", None)
    return packet


def test_a_card_is_the_last_picture_dimmed_with_the_sentence_in_it() -> None:
    last = last_packet()
    image, before = decode(card_after(last)).image, decode(last).image
    assert image.shape == before.shape
    assert np.abs(image[:100].astype(int) - before[:100] // 4).mean() < 5
    assert image[200:300].max() > 200
    assert read_pattern(image) is None  # it does not pass for the frame


@pytest.mark.parametrize("last", [None, replace(last_packet(), jpeg=b"no picture")], ids=["none", "damaged"])
def test_without_a_picture_a_card_is_black(last: Packet | None) -> None:
    assert np.median(decode(card_after(last)).image) < 5


def test_a_card_of_a_large_picture_is_smaller_and_of_its_shape() -> None:
    packet = card_after(last_packet((2560, 1920)))
    assert (packet.width, packet.height) == (960, 720)


def test_a_card_that_would_not_fit_the_node_is_black() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    large = encode(Frame(noise, 0), 95)
    size = len(card_after(large).jpeg)
    black = card_after(large, max_bytes=size - 1)
    assert len(black.jpeg) < size / 4


def test_a_card_is_due_once_a_second_and_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    card = LossCard()
    card.last = last_packet()
    first = card.due(NOTICE, "camera-0", ENOUGH)
    assert card.due(NOTICE, "camera-0", ENOUGH) is None
    monkeypatch.setattr(loss_card, "EVERY_S", 0.0)
    card._due_s = 0.0
    again = card.due(NOTICE, "camera-0", ENOUGH)
    assert first
    assert again
    assert again.jpeg is first.jpeg
    assert again.captured_at_ns > first.captured_at_ns
    other = card.due("another sentence", "camera-0", ENOUGH)
    assert other
    assert other.jpeg != first.jpeg
