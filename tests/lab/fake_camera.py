"""A camera for tests where there is none: builds fake_camera.c and says how to run a program with it.

The program runs in a process of its own, because a library is preloaded only when a process starts.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.sources.pattern import PatternSource

from ..conftest import missing

_SOURCE = Path(__file__).with_suffix(".c")


def camera_environment(
    folder: Path,
    *,
    size: tuple[int, int] = (640, 480),
    fps: int = 30,
    frames: int = 0,
    fault: str | Path = "",
    device: str = "/dev/video0",
) -> dict[str, str]:
    """Return the environment of a process that sees a camera which gives the JPEG files of ``folder``.

    Args:
        size: what the camera says its frames are; the files should be of this size.
        fps: its one frame rate.
        frames: after how many it is unplugged; 0 for never.
        fault: "denied", "busy", "unplugged" or "blocks", or a file that says which, see fake_camera.c.
        device: the path that it has. The file need not exist.
    """
    return os.environ | {
        "LD_PRELOAD": str(_library()),
        "FAKE_CAMERA_DEVICE": device,
        "FAKE_CAMERA_FOLDER": str(folder),
        "FAKE_CAMERA_WIDTH": str(size[0]),
        "FAKE_CAMERA_HEIGHT": str(size[1]),
        "FAKE_CAMERA_FPS": str(fps),
        "FAKE_CAMERA_FRAMES": str(frames),
        "FAKE_CAMERA_FAULT": str(fault),
    }


def write_pattern_jpegs(folder: Path, count: int, size: tuple[int, int] = (640, 480), prefix: str = "") -> None:
    """Write test cards number 0, 1, 2, ... into a folder, as a camera is to give them."""
    folder.mkdir(exist_ok=True)
    source = PatternSource(size, fps=240)
    for number in range(count):
        frame = source.read()
        assert frame is not None
        assert cv2.imwrite(str(folder / f"{prefix}{number:06d}.jpg"), frame.image)


@functools.cache
def _library() -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        missing(
            "a C compiler on Linux, to build a fake camera (on Debian and Ubuntu: sudo apt-get install gcc libc6-dev)"
        )
    assert compiler is not None
    folder = tempfile.mkdtemp(prefix="fake-camera-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = Path(folder) / "fake_camera.so"
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "-o", library, _SOURCE, "-ldl"], check=True)
    return library
