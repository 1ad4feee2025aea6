"""The two values that travel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pulsar_cam.frame import Frame, Packet


def test_frame_tells_its_size_in_pixels() -> None:
    frame = Frame(np.zeros((480, 640, 3), np.uint8), captured_at_ns=1)
    assert (frame.width, frame.height) == (640, 480)


def test_what_a_publisher_did_not_say_is_none() -> None:
    packet = Packet(b"", 640, 480, captured_at_ns=1)
    optional = (packet.session, packet.sequence, packet.quality, packet.encoded_at_ns, packet.sent_at_ns)
    assert set(optional) == {None}
    assert packet.source == ""


@pytest.mark.parametrize("value", [Frame(np.zeros((1, 1, 3), np.uint8), 0), Packet(b"", 1, 1, 0)])
def test_values_handed_between_threads_cannot_be_changed(value: Frame | Packet) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.captured_at_ns = 2  # type: ignore[misc]
