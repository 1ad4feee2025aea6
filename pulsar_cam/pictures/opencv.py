"""OpenCV, imported once, quiet, and with a sentence instead of a loader error.

Import ``cv2`` from here, so that the environment it reads at import is set first.
"""

from __future__ import annotations

import os

from ..errors import DependencyMissing
from .jpeg_header import MAX_PIXELS

# OpenCV reads this when it is imported; its own limit lets a 600-byte JPEG become 5 GB of pixels.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
# FFmpeg writes to stderr by itself: what it says reaches the user as an error of ours.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

try:
    import cv2
except ImportError as error:
    raise DependencyMissing(
        f"OpenCV cannot be loaded ({error})",
        "On Debian and Ubuntu: sudo apt-get install libgl1 libglib2.0-0 libsm6",
    ) from error

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

__all__ = ["cv2"]
