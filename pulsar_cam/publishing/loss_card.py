"""The picture that says why there is none, published while a camera is lost."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from ..errors import DecodeError
from ..frame import Frame, Image, Packet
from ..pictures.jpeg import decode, encode
from ..pictures.opencv import cv2
from ..pictures.overlay import card

EVERY_S = 1.0
_QUALITY = 60
_LARGEST = (1280, 720)  # pixels; larger ones say no more, and this fits the limits of nearly every node
_EMPTY = (640, 360)


class LossCard:
    """Draws a sentence over the last picture, dimmed; over black, if there was none.

    Attributes:
        last: the packet that was published last; None before the first.
    """

    def __init__(self) -> None:
        self.last: Packet | None = None
        self._drawn: Packet | None = None
        self._due_s = 0.0

    def due(self, notice: str, source: str, max_bytes: int) -> Packet | None:
        """Return the card of a source; None within a second of another.

        Its notice is the sentence, and it has no sequence number: it is not a frame. Where it would be larger than
        `max_bytes`, it is black.
        """
        if time.monotonic() < self._due_s:
            return None
        self._due_s = time.monotonic() + EVERY_S
        if not self._drawn or self._drawn.notice != notice:
            self._drawn = self._draw(notice, source, max_bytes)
        now_ns = time.time_ns()
        return replace(self._drawn, captured_at_ns=now_ns, encoded_at_ns=now_ns)

    def _draw(self, notice: str, source: str, max_bytes: int) -> Packet:
        packet = _packet(self._last_picture(), notice, source)
        return packet if len(packet.jpeg) <= max_bytes else _packet(_black(), notice, source)

    def _last_picture(self) -> Image:
        try:
            return decode(self.last, fit=_LARGEST).image if self.last else _black()
        except DecodeError:  # it is a camera's own JPEG, which was passed on as it was
            return _black()


def _packet(picture: Image, notice: str, source: str) -> Packet:
    scale = min(1.0, *(most / side for most, side in zip(_LARGEST, picture.shape[1::-1], strict=True)))
    scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = Frame(card(scaled.astype(np.uint8, copy=False), notice), captured_at_ns=0, source=source)
    return replace(encode(frame, _QUALITY), notice=notice)


def _black() -> Image:
    return np.zeros((*_EMPTY[::-1], 3), np.uint8)
