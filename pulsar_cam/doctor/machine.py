"""Checks of this machine; each blocks, and imports what it looks at only when it runs, so that it can be missing."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DependencyMissing, DeviceNotFound, DisplayError, InvalidOption, SourceError
from ..health.finding import Finding
from ..text import printable, size_text

if TYPE_CHECKING:
    from ..node import LocalNode

OLDEST_PYTHON = (3, 11)
OLDEST = {"websockets": (15,), "numpy": (2,), "typer": (0, 16)}
OLDEST_OPENCV = (4, 10)
_WHEELS = ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless")
_FIRST_FRAME_S = 4.0
_PATTERN = "'pulsar-cam publish --source test-pattern:' works without a camera"


def versions() -> Finding:
    """Report the versions of Python and the packages, and which are too old."""
    found = {name: _installed(name) or "not installed" for name in ("pulsar-cam", *OLDEST)}
    says = ", ".join([f"Python {platform.python_version()}", *(f"{name} {text}" for name, text in found.items())])
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding("versions", "problem", says, "install Python 3.11 or newer")
    if old := [name for name, oldest in OLDEST.items() if _numbers(found[name]) < oldest]:
        return Finding("versions", "problem", says, f"too old or missing: pip install --upgrade {' '.join(old)}")
    return Finding("versions", "ok", says)


def opencv() -> Finding:
    """Check whether OpenCV loads, which it is, and whether it can open windows."""
    wheels = [name for name in _WHEELS if _installed(name)]
    if len(wheels) > 1:
        return Finding(
            "OpenCV",
            "problem",
            f"{' and '.join(wheels)} are installed together, and overwrite each other's files",
            f"pip uninstall -y {' '.join(wheels)}, then: pip install opencv-python",
        )
    try:
        from ..pictures.opencv import cv2
    except DependencyMissing as error:
        absent = isinstance(error.__cause__, ModuleNotFoundError) and not wheels
        return Finding("OpenCV", "problem", error.what, "pip install opencv-python" if absent else error.remedy)
    if _numbers(cv2.__version__) < OLDEST_OPENCV:
        return Finding("OpenCV", "problem", f"{cv2.__version__} is too old", "pip install --upgrade opencv-python")
    windows = cv2.currentUIFramework()
    return Finding("OpenCV", "ok", f"{cv2.__version__}, {f'windows by {windows}' if windows else 'without windows'}")


def display() -> Finding:
    """Check whether a window can be opened."""
    from ..sinks.display import check_display

    try:
        check_display()
    except DisplayError as error:
        return Finding("display", "warning", f"no window can be opened: {error.problem}", error.remedy)
    name = printable(os.environ.get("DISPLAY", "")) if sys.platform == "linux" else ""
    return Finding("display", "ok", f"{name} answers" if name else "windows can be opened")


def camera(device: str | None) -> Finding:
    """Report which cameras there are, and whether one gives a frame.

    Args:
        device: its number or path; None looks at the first, and is content without any.
    """
    from ..sources.devices import list_cameras, open_device
    from ..sources.reader import first_frame

    cameras = list_cameras()
    if device is None and not cameras:
        return Finding("camera", "warning", "this machine has no camera", _PATTERN)
    chosen = device or str(cameras[0].number)
    try:
        frame = first_frame(lambda: open_device(chosen), _FIRST_FRAME_S)
    except SourceError as error:
        return Finding("camera", "problem" if device else "warning", _problem(error), _camera_advice(error))
    if frame is None:
        says = f"camera {chosen} opens, and gives no frame within {_FIRST_FRAME_S:g} s"
        return Finding("camera", "problem" if device else "warning", says, "unplug it and plug it in again")
    others = f"; found: {', '.join(map(str, cameras))}" if cameras else ""
    return Finding("camera", "ok", f"camera {chosen} gives frames of {frame.width}x{frame.height}{others}")


def local_node() -> Finding:
    """Check whether this machine can run a Pulsar node, which of them run, and the room on its disk."""
    try:
        from ..node import LocalNode
        from ..node.folders import free_bytes, is_too_full
        from ..node.software.java import find_java

        java = find_java()
    except DependencyMissing as error:
        return Finding("local node", "skipped", f"not possible here: {error.what}", error.remedy)
    if find_spec("jgo") is None:
        return Finding(
            "local node", "skipped", "the package jgo is not installed", "pip install 'pulsar-cam[node]' to run one"
        )
    folder = LocalNode().folder.parent
    try:
        running = "; ".join(_running(folder)) or "none runs"
        disk = _existing(folder)
        free, too_full = free_bytes(disk), is_too_full(disk)
    except OSError as error:
        says = f"{folder} cannot be read: {error.strerror}"
        return Finding("local node", "warning", says, "correct that, or choose another folder with PULSAR_CAM_DATA")
    says = f"{running}; Java {java.version}, {size_text(free)} free in {folder}"
    if too_full:
        return Finding("local node", "warning", says, "make room, or choose another folder with PULSAR_CAM_DATA")
    return Finding("local node", "ok", says)


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version, re.ASCII)[:2])


def _problem(error: SourceError) -> str:
    return f"camera {error.device} {error.problem}" if isinstance(error, DeviceNotFound) else str(error)


def _camera_advice(error: SourceError) -> str:
    available = error.available if isinstance(error, DeviceNotFound) else []
    return f"choose from: {', '.join(available)}; {_PATTERN}" if available else _PATTERN


def _running(folder: Path) -> list[str]:
    names = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
    started = {name: node.running() for name in names if (node := _node(name))}
    return [f"'{name}' runs at {state.service_url}" for name, state in started.items() if state]


def _node(name: str) -> LocalNode | None:
    from ..node import LocalNode

    try:
        return LocalNode(name)
    except InvalidOption:  # something else that lies in the folder
        return None


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
