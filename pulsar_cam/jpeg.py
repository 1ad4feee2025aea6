"""Frames to packets and back: JPEG by OpenCV's libjpeg-turbo."""

from __future__ import annotations

import time
from typing import cast

import numpy as np

from .errors import DecodeError, EncodeError
from .frame import Frame, Image, Packet
from .jpeg_header import dimensions
from .opencv import cv2

_REDUCED_MODES = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}


def encode(frame: Frame, quality: int) -> Packet:
    """Encode a frame as JPEG with 4:2:0 colour subsampling.

    Args:
        frame: image of shape (height, width, 3), ``uint8``, BGR.
        quality: 1 (smallest) to 100 (best).

    Raises:
        EncodeError: the image is not one that JPEG can hold.
    """
    try:
        done, jpeg = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise EncodeError(f"frame {frame.sequence} cannot be a JPEG: {error.err}") from error
    if not done:
        raise EncodeError(f"frame {frame.sequence} cannot be a JPEG")
    return Packet(
        jpeg=jpeg.tobytes(),
        width=frame.width,
        height=frame.height,
        quality=quality,
        captured_at_ns=frame.captured_at_ns,
        encoded_at_ns=time.time_ns(),
        source=frame.source,
        sequence=frame.sequence,
    )


def decode(packet: Packet, at_least: tuple[int, int] | None = None) -> Frame:
    """Decode a packet to a frame of shape (height, width, 3), ``uint8``, BGR.

    Args:
        at_least: width and height in pixels that are enough; the frame may be 1/2, 1/4 or 1/8 of the picture's size
            then, which is decoded faster. None for the full size.

    Raises:
        DecodeError: no JPEG, a damaged one, or one with too many pixels.
    """
    size = dimensions(packet.jpeg)  # OpenCV would decode what it likes, at any size
    mode = cv2.IMREAD_COLOR if at_least is None else _smallest_mode(size, at_least)
    try:
        image = cast(Image | None, cv2.imdecode(np.frombuffer(packet.jpeg, np.uint8), mode))
    except cv2.error as error:
        raise DecodeError(f"damaged JPEG: {error.err}") from error
    if image is None:
        raise DecodeError("damaged JPEG")
    return Frame(image, packet.captured_at_ns, packet.sequence, packet.source)


def _smallest_mode(size: tuple[int, int], at_least: tuple[int, int]) -> int:
    for divisor, mode in _REDUCED_MODES.items():
        if all(side // divisor >= wanted for side, wanted in zip(size, at_least, strict=True)):
            return mode
    return cv2.IMREAD_COLOR
