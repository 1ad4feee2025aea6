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

from ..errors import DisplayError
from ..pictures.opencv import cv2
from ..text import printable

_HEADLESS = "'pulsar-cam watch --headless' works without a display"
CONNECT_TIMEOUT_S = 10.0
_QT_PLUGIN = Path(cv2.__file__).parent / "qt" / "plugins" / "platforms" / "libqxcb.so"


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
    _check_x_server()
    if _QT_PLUGIN.exists():  # else it is not the wheel of opencv-python, and finds its own libraries
        _prepare_qt()


def _check_build() -> None:
    if not cv2.currentUIFramework():
        raise DisplayError(
            "this build of OpenCV has no windows (opencv-python-headless)",
            "Run: pip uninstall -y opencv-python opencv-python-headless, then: pip install opencv-python; "
            f"or {_HEADLESS}",
        )


def _prepare_qt() -> None:
    """Load Qt's X11 part as Qt will, because Qt does not say what is missing, and cure three faults of the wheel."""
    # Wayland desktops often name a plugin here that the wheel does not have, and Qt ends the process for it.
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    # The folder that the wheel names does not exist, and Qt complains of it; it needs no fonts for pictures.
    os.environ["QT_QPA_FONTDIR"] = str(_QT_PLUGIN.parent)
    try:
        # The wheel's own libX11-xcb is older than the system's libX11 and writes "Xlib must not read events" to the
        # wrong place: Xlib then takes events away from Qt, and one window in ten stays black. Loaded first and for
        # all, the system's is used instead.
        ctypes.CDLL("libX11-xcb.so.1", mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(_QT_PLUGIN))
    except OSError as error:
        raise DisplayError(
            f"a system library is missing ({error})",
            f"On Debian and Ubuntu: sudo apt-get install libsm6 libx11-xcb1 libgl1 libglib2.0-0; or {_HEADLESS}",
        ) from error


def _check_x_server() -> None:
    display = printable(os.environ.get("DISPLAY", ""))
    if not display:
        raise DisplayError(
            "DISPLAY is not set",
            f"Run it in a desktop session (Wayland needs XWayland) or through 'ssh -X'; or {_HEADLESS}",
        )
    if not _x_server_answers():
        raise DisplayError(
            f"no X server accepts us at DISPLAY={display}",
            f"Check DISPLAY, and XAUTHORITY when the desktop belongs to another user; or {_HEADLESS}",
        )


def _x_server_answers() -> bool:
    """Say whether the X server of DISPLAY accepts us.

    Connecting has no time-out of its own, and a server at the other end of a dead 'ssh -X' never answers: so it is
    done in a thread that can be left behind.
    """
    accepted = threading.Event()
    thread = threading.Thread(target=_connect_to_x_server, args=(accepted,), daemon=True)
    thread.start()
    thread.join(CONNECT_TIMEOUT_S)
    return accepted.is_set()


def _connect_to_x_server(accepted: threading.Event) -> None:
    xcb = ctypes.CDLL("libxcb.so.1")  # there for certain: OpenCV could not be imported without it
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    if xcb.xcb_connection_has_error(connection) == 0:
        accepted.set()
    xcb.xcb_disconnect(connection)
