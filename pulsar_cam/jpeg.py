"""Frames to packets and back.

Both ways are libjpeg-turbo: OpenCV's encodes, simplejpeg's decodes, which is faster by a sixth and keeps quiet about
damaged data, where OpenCV's writes to the terminal.
"""

from __future__ import annotations

import time

import simplejpeg

from .errors import DecodeError, EncodeError
from .frame import Frame, Packet
from .jpeg_header import MAX_PIXELS, dimensions
from .opencv import cv2
from .text import printable


def encode(frame: Frame, quality: int) -> Packet:
    """Encode a frame as JPEG with 4:2:0 colour subsampling.

    Args:
        frame: image of shape (height, width, 3), ``uint8``, BGR.
        quality: 1 (smallest) to 100 (best).

    Raises:
        EncodeError: the image is not one that JPEG can hold, or one so large that viewers refuse it.
    """
    if frame.width * frame.height > MAX_PIXELS:
        raise EncodeError(f"frames of {frame.width}x{frame.height} pixels are too large for viewers; lower --size")
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


def decode(packet: Packet, fit: tuple[int, int] | None = None) -> Frame:
    """Decode a packet to a frame of shape (height, width, 3), ``uint8``, BGR.

    Args:
        fit: width and height in pixels of the place into which the picture will be fitted; the frame may be 1/2, 1/4
            or 1/8 of the picture's size then, which is decoded faster. None for the full size.

    Raises:
        DecodeError: no JPEG, a damaged one, or one with too many pixels.
    """
    width, height = dimensions(packet.jpeg)  # a decoder would believe any size
    divisor = _divisor((width, height), fit) if fit else 1
    try:
        image = simplejpeg.decode_jpeg(
            packet.jpeg, "BGR", min_width=-(-width // divisor), min_height=-(-height // divisor)
        )
    except (ValueError, MemoryError) as error:
        raise DecodeError(f"damaged JPEG: {printable(str(error), 100)}") from error
    return Frame(image, packet.captured_at_ns, packet.sequence, packet.source)


def _divisor(size: tuple[int, int], fit: tuple[int, int]) -> int:
    """Return by how much a picture may be smaller; in between, decoding would take as long as at full size."""
    for divisor in (8, 4, 2):
        # One side fills its place; the other follows from the ratio, and leaves some of it empty.
        if any(side // divisor >= place for side, place in zip(size, fit, strict=True)):
            return divisor
    return 1
