"""Cameras of this machine: open one, list them, and say why one cannot be opened."""

from __future__ import annotations

import logging
import os
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import DeviceNotFound
from ..pictures.opencv import cv2
from .capture import MJPG, Capture, LiveSource

# A camera that gives nothing would hold a read, and so the end of the program, for 10 s; OpenCV takes whole seconds
# and looks when it first waits.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")

_log = logging.getLogger(__name__)

_USUAL_SIZE = (1280, 720)
_BACKENDS = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_DSHOW}
_DEV = Path("/dev")
_SYSFS = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that can be opened by its ``number``, and the name from its driver, if it has one."""

    number: int
    label: str = ""

    def __str__(self) -> str:
        return f"{self.number} ({self.label})" if self.label else str(self.number)


def open_device(
    device: str, *, size: tuple[int, int] | None = None, fps: float | None = None, keep_jpeg: bool = False
) -> LiveSource:
    """Open a camera as Motion JPEG, which is what reaches 720p and more at full rate over USB 2.

    Args:
        device: its number, or on Linux its path.
        size: (width, height) in pixels; the camera is asked for it, and frames are scaled if it gives another.
            None takes what the camera gives when asked for 1280x720.
        fps: asked from the camera; if it gives more, surplus frames are left out. None leaves it to the camera.
        keep_jpeg: give the camera's own JPEGs as packets, where it makes JPEGs of the wanted size.

    Raises:
        DeviceNotFound: with the reason, and the cameras that are there.
    """
    video = _open_video(device)
    if not video.isOpened():
        raise DeviceNotFound(_plain(device), [str(camera) for camera in list_cameras()], _problem(device))
    width, height = size or _USUAL_SIZE
    # In this order: the sizes and rates that a camera offers depend on the format.
    video.set(cv2.CAP_PROP_FOURCC, MJPG)
    video.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    video.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    if fps:
        video.set(cv2.CAP_PROP_FPS, fps)
    # One to fill while we hold the other: with a single buffer a camera loses every second frame.
    video.set(cv2.CAP_PROP_BUFFERSIZE, 2)
    if int(video.get(cv2.CAP_PROP_FOURCC)) == MJPG:
        # JPEGs are decoded by us, because OpenCV gives the previous picture for a damaged one.
        video.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    given_fps = video.get(cv2.CAP_PROP_FPS)
    _log.info("camera %s gives %s", device, _describe(video))
    surplus = fps and not 0 < given_fps <= fps * 1.02
    capture = Capture(video, size, keep_jpeg=keep_jpeg)
    return LiveSource(capture, _name(device), ends=False, fps=fps if surplus else None)


def list_cameras() -> list[Camera]:
    """Return the cameras of this machine, also those that are busy or not permitted (Linux)."""
    if sys.platform == "linux":
        return _listed_by_kernel()
    return [Camera(number) for number in range(4) if _answers(number)]


def _open_video(device: str) -> cv2.VideoCapture:
    backend = _BACKENDS.get(sys.platform, cv2.CAP_ANY)
    # OpenCV ends the process when a path has bytes in it that are not UTF-8, and takes only numbers that fit a C int.
    if sys.platform == "linux" and device.isprintable():
        return cv2.VideoCapture(str(_path(device)), backend)
    if sys.platform != "linux" and re.fullmatch("[0-9]{1,3}", device):
        return cv2.VideoCapture(int(device), backend)
    return cv2.VideoCapture()


def _path(device: str) -> Path:
    return _DEV / f"video{device}" if device.isdecimal() else Path(device)


def _name(device: str) -> str:
    return f"camera-{_plain(Path(device).name.removeprefix('video'))}"


def _plain(device: str) -> str:
    return re.sub(r"[^\x21-\x7e]", "_", device[:100])


def _describe(video: cv2.VideoCapture) -> str:
    code = int(video.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    letters = "".join(c if c.isprintable() else "?" for c in code.to_bytes(4, "little").decode("latin-1"))
    width, height = video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)
    return f"{width:g}x{height:g} at {video.get(cv2.CAP_PROP_FPS):g} fps as {letters}"


def _problem(device: str) -> str:
    if sys.platform != "linux":
        return "not found, or used by another program, or not permitted in the system's privacy settings"
    try:
        os.close(os.open(_path(device), os.O_RDWR | os.O_NONBLOCK))
    except FileNotFoundError:
        return "not found"
    except PermissionError:
        return "is there, but permission is denied (sudo usermod -aG video $USER, then log in again)"
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    return "is used by another program, or is not a camera"


def _listed_by_kernel() -> list[Camera]:
    numbers = sorted(int(path.name[5:]) for path in _DEV.glob("video*") if path.name[5:].isdecimal())
    return [Camera(number, _label(number)) for number in numbers if _captures(_DEV / f"video{number}")]


def _label(number: int) -> str:
    try:
        label = (_SYSFS / f"video{number}" / "name").read_text(errors="replace").strip()
    except OSError:
        return ""
    return "".join(c for c in label if c.isprintable())


def _captures(path: Path) -> bool:
    """Say whether a node gives pictures: one camera has several nodes, and codecs have some too.

    Asks the driver with VIDIOC_QUERYCAP, see struct v4l2_capability in <linux/videodev2.h>.
    """
    import fcntl

    try:
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        return isinstance(error, PermissionError)
    answer = bytearray(104)
    try:
        fcntl.ioctl(fd, 0x80685600, answer)
    except OSError:
        return False
    finally:
        os.close(fd)
    (device_capabilities,) = struct.unpack_from("=I", answer, 88)
    video_capture, video_capture_multiplanar = 0x1, 0x1000
    return bool(device_capabilities & (video_capture | video_capture_multiplanar))


def _answers(number: int) -> bool:
    video = _open_video(str(number))
    try:
        return video.isOpened()
    finally:
        video.release()
