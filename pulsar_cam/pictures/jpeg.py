"""Frames to packets and back.

Both ways are libjpeg-turbo: OpenCV's encodes, simplejpeg's decodes, which is faster by a sixth and keeps quiet about
damaged data, where OpenCV's writes to the terminal.
"""

from __future__ import annotations

import re
import time
from typing import cast

import numpy as np
import simplejpeg

from ..errors import DecodeError, EncodeError
from ..frame import Frame, Image, Packet
from ..text import printable
from .jpeg_header import MAX_PIXELS, dimensions
from .opencv import cv2

# What many cameras leave between the last pixel and the end; more of it is damage.
_HARMLESS = re.compile(r": \d{1,2} extraneous bytes before marker 0xd9")


def encode(frame: Frame, quality: int) -> Packet:
    """Encode a frame as JPEG with 4:2:0 colour subsampling.

    Args:
        frame: image of shape (height, width, 3), ``uint8``, BGR.
        quality: 1 (smallest) to 100 (best).

    Raises:
        EncodeError: the image is not one that JPEG can hold, or one so large that viewers refuse it.
    """
    if frame.width * frame.height > MAX_PIXELS:
        raise EncodeError(f"frames of {frame.width}x{frame.height} pixels are too large for viewers; lower `size`")
    try:
        done, jpeg = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise EncodeError(f"frame {frame.sequence} cannot be a JPEG ({error.err}); try another `size`") from error
    if not done:
        raise EncodeError(f"frame {frame.sequence} cannot be a JPEG; try another `size`")
    return Packet(
        jpeg=jpeg.tobytes(),
        width=frame.width,
        height=frame.height,
        quality=quality,
        captured_at_ns=frame.captured_at_ns,
        encoded_at_ns=time.time_ns(),
        source=frame.source,
        sequence=frame.sequence,
        extra=frame.extra,
    )


def check_image(image: object) -> Image:
    """Return an image that can become a JPEG.

    Raises:
        EncodeError: it is not a ``uint8`` array of shape (height, width, 3), or too large for viewers.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise EncodeError(f"an image is a uint8 array of shape (height, width, 3), BGR as OpenCV has it, not {found}")
    if not 0 < image.shape[0] * image.shape[1] <= MAX_PIXELS:
        raise EncodeError(f"an image of {image.shape[1]}x{image.shape[0]} pixels is empty, or too large for viewers")
    return image


def decode(packet: Packet, fit: tuple[int, int] | None = None) -> Frame:
    """Decode a packet to a frame of shape (height, width, 3), ``uint8``, BGR.

    Args:
        fit: width and height in pixels of the place into which the picture will be fitted; the frame may be 1/2, 1/4
            or 1/8 of the picture's size then, which is decoded faster. None for the full size.

    Raises:
        DecodeError: no JPEG, a damaged one, or one with too many pixels.
    """
    image = decode_image(packet.jpeg, fit)
    return Frame(image, packet.captured_at_ns, packet.sequence, packet.source, packet.extra, packet.message_id)


def decode_image(jpeg: bytes, fit: tuple[int, int] | None = None) -> Image:
    """Decode a JPEG, as `decode` does, also one without Huffman tables, as Motion JPEG cameras give them.

    Raises:
        DecodeError: no JPEG, a damaged one, or one with too many pixels.
    """
    width, height = dimensions(jpeg)  # a decoder would believe any size
    divisor = _divisor((width, height), fit) if fit else 1
    smallest = {"min_width": -(-width // divisor), "min_height": -(-height // divisor)}
    try:
        return _decoded(jpeg, smallest)
    except (ValueError, MemoryError) as error:
        raise DecodeError(f"damaged JPEG: {printable(str(error), 100)}") from error


def _decoded(jpeg: bytes, smallest: dict[str, int]) -> Image:
    try:
        return cast(Image, simplejpeg.decode_jpeg(jpeg, "BGR", **smallest))
    except ValueError as error:
        if not _HARMLESS.search(str(error)):
            raise
    return cast(Image, simplejpeg.decode_jpeg(jpeg, "BGR", strict=False, **smallest))


def _divisor(size: tuple[int, int], fit: tuple[int, int]) -> int:
    """Return by how much a picture may be smaller; in between, decoding would take as long as at full size."""
    for divisor in (8, 4, 2):
        # One side fills its place; the other follows from the ratio, and leaves some of it empty.
        if any(side // divisor >= place for side, place in zip(size, fit, strict=True)):
            return divisor
    return 1
