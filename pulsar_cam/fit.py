"""JPEGs that fit the node: quality is lowered first, then size, until the message passes the node's limits."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import cast

from .errors import EncodeError
from .frame import Frame, Image, Packet
from .jpeg import encode
from .opencv import cv2

logger = logging.getLogger(__name__)

_LOWEST_QUALITY = 40
_QUALITY_STEP = 10
_SCALE_STEP = 0.75
_SMALLEST_SCALE = 0.1


class FittingEncoder:
    """Encodes frames to JPEGs of at most `max_bytes`, and stays at what it had to lower.

    Attributes:
        quality: JPEG quality, 1 to 100, as it is now.
        scale: factor on width and height, as it is now; 1.0 leaves the size alone.
        max_bytes: the largest JPEG; may be changed at any time.
    """

    def __init__(self, quality: int, max_bytes: int) -> None:
        self.quality = quality
        self.scale = 1.0
        self.max_bytes = max_bytes

    def encode(self, frame: Frame) -> Packet:
        """Encode a frame of shape (height, width, 3), ``uint8``, BGR; its packet has the size that was sent.

        Raises:
            EncodeError: the image is not one that JPEG can hold, or it fits at no quality and size.
        """
        packet = encode(self._scaled(frame), self.quality)
        if len(packet.jpeg) <= self.max_bytes:
            return packet
        while len(packet.jpeg) > self.max_bytes:
            self._lower(frame)
            packet = encode(self._scaled(frame), self.quality)
        logger.warning(
            "a frame does not fit the node's limit of %d kB: lowered to quality %d and %dx%d",
            self.max_bytes // 1000, self.quality, packet.width, packet.height,
        )  # fmt: skip
        return packet

    def _lower(self, frame: Frame) -> None:
        if self.quality > _LOWEST_QUALITY:
            self.quality = max(_LOWEST_QUALITY, self.quality - _QUALITY_STEP)
        elif self.scale > _SMALLEST_SCALE:
            self.scale *= _SCALE_STEP
        else:
            raise EncodeError(
                f"frame {frame.sequence} fits the node's limit of {self.max_bytes} bytes at no quality and size"
            )

    def _scaled(self, frame: Frame) -> Frame:
        if self.scale == 1.0:
            return frame
        size = max(1, round(frame.width * self.scale)), max(1, round(frame.height * self.scale))
        return replace(frame, image=cast(Image, cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)))
