"""One picture to a file."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from pathlib import Path

from ..errors import InvalidOption, OutputError
from ..frame import Frame, Packet
from ..pictures.jpeg import decode
from ..pictures.opencv import cv2

_JPEG_SUFFIXES = (".jpg", ".jpeg")


def check_snapshot_path(path: Path) -> None:
    """Find out before a run whether a snapshot could be written there.

    Raises:
        InvalidOption: a suffix other than .jpg, .jpeg and .png.
        OutputError: a folder, in a folder that is missing or read-only, or a name that the system does not take.
    """
    if path.suffix.lower() not in (*_JPEG_SUFFIXES, ".png"):
        raise InvalidOption("path", path, "expected a file name that ends in .jpg or .png")
    try:
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
    except OSError as error:  # such as a name that is too long, or a folder that may not be entered
        raise OutputError.of(str(path), error) from error
    if is_folder:
        raise OutputError(str(path), "it is a folder", "name a file in it")
    if not has_folder:
        raise OutputError(str(path), f"folder {path.parent} does not exist", "create it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(
            str(path), f"no permission to write in {path.parent}", "choose a folder in which you may write"
        )


def save_snapshot(packet: Packet, path: Path) -> None:
    """Write a packet's picture: as .jpg byte for byte as it was received, as .png decoded.

    An existing file is replaced only when the new one is complete.

    Raises:
        DecodeError: the picture is damaged (.png only).
        OutputError: the file cannot be written.
    """
    data = packet.jpeg if path.suffix.lower() in _JPEG_SUFFIXES else _png(packet)
    unfinished = path.with_name(f".{secrets.token_hex(8)}.unfinished")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        raise OutputError.of(str(path), error) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def free_path(folder: Path, frame: Frame) -> Path:
    """Return a path in a folder that no file has yet, named by source, time and number of the frame."""
    source = re.sub(r"[^\w-]+", "-", frame.source, flags=re.ASCII)[:40].strip("-") or "frame"
    stem = f"{source}-{time.strftime('%Y%m%d-%H%M%S')}-{frame.sequence or 0}"
    candidates = (folder / f"{stem}{suffix}.jpg" for suffix in ("", *(f"-{n}" for n in range(1, 1000))))
    return next(path for path in candidates if not path.exists())


def _png(packet: Packet) -> bytes:
    _, png = cv2.imencode(".png", decode(packet).image)
    return png.tobytes()
