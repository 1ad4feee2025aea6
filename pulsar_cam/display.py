"""Can a window be opened here? Asked before OpenCV tries.

OpenCV's windows are Qt's on Linux, and Qt ends the whole process when it finds no display or lacks a library: there
is no exception to catch. So everything that makes it do so is checked first.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from pathlib import Path

from .errors import DisplayError
from .opencv import cv2
from .text import printable

HEADLESS = "--headless works without a display"
_CONNECT_TIMEOUT_S = 10.0


def check_display() -> None:
    """Return when a window can be opened.

    On Linux this connects to the X server and leaves again (30 ms). On macOS and Windows only OpenCV's build can be
    wrong.

    Raises:
        DisplayError: no window can be opened; says why and what to do.
    """
    _check_build()
    if sys.platform in ("darwin", "win32"):
        return
    _check_qt_plugin()
    _check_x_server()


def _check_build() -> None:
    if not cv2.currentUIFramework():
        raise DisplayError(
            "this build of OpenCV has no windows (opencv-python-headless)",
            "Run: pip uninstall -y opencv-python opencv-python-headless, then: pip install opencv-python; "
            f"or {HEADLESS}",
        )


def _check_qt_plugin() -> None:
    """Load Qt's X11 part the way Qt will, because Qt does not say which library it misses.

    Only the wheel of opencv-python has it inside; another build of OpenCV finds its own.
    """
    plugin = Path(cv2.__file__).parent / "qt" / "plugins" / "platforms" / "libqxcb.so"
    if not plugin.exists():
        return
    # Wayland desktops often name a plugin here that the wheel does not have, and Qt ends the process for it.
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    # The folder that the wheel names does not exist, and Qt says so many times; it needs no fonts for a picture.
    os.environ["QT_QPA_FONTDIR"] = str(plugin.parent)
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        raise DisplayError(
            f"a system library is missing ({error})",
            f"On Debian and Ubuntu: sudo apt-get install libsm6 libgl1 libglib2.0-0; or {HEADLESS}",
        ) from error


def _check_x_server() -> None:
    display = printable(os.environ.get("DISPLAY", ""))
    if not display:
        raise DisplayError(
            "DISPLAY is not set",
            f"Run it in a desktop session (Wayland needs XWayland) or through 'ssh -X'; or {HEADLESS}",
        )
    if not _x_server_answers():
        raise DisplayError(
            f"no X server lets us in at DISPLAY={display}",
            f"Check DISPLAY, and XAUTHORITY when the desktop belongs to another user; or {HEADLESS}",
        )


def _x_server_answers() -> bool:
    """Say whether the X server of DISPLAY accepts us.

    Connecting has no time-out of its own, and a server at the other end of a dead 'ssh -X' never answers: so it is
    done in a thread that can be left behind.
    """
    accepted = threading.Event()
    thread = threading.Thread(target=_connect_to_x_server, args=(accepted,), daemon=True)
    thread.start()
    thread.join(_CONNECT_TIMEOUT_S)
    return accepted.is_set()


def _connect_to_x_server(accepted: threading.Event) -> None:
    xcb = ctypes.CDLL("libxcb.so.1")  # there for certain: OpenCV could not be imported without it
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    if xcb.xcb_connection_has_error(connection) == 0:
        accepted.set()
    xcb.xcb_disconnect(connection)
