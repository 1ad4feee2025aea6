"""An X server without a screen: real windows, screenshots, key presses and the close button, on any Linux machine."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from Xlib import XK, X
from Xlib.display import Display
from Xlib.error import BadWindow
from Xlib.ext import xtest
from Xlib.protocol.event import ClientMessage

WIDTH, HEIGHT = 1600, 1200


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    """Return when the condition holds; fail, naming what was waited for, when it does not come true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {timeout_s} s"
        time.sleep(0.02)


class Screen:
    """A running X server, its screen of 1600x1200 pixels, and a user's hands.

    Attributes:
        name: what DISPLAY must be for a program to open its windows here.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._display = Display(name)
        self._root = self._display.screen().root
        # Lets us see what Qt asks of the window manager, of which there is none.
        self._root.change_attributes(event_mask=X.StructureNotifyMask)
        self._display.sync()

    def screenshot(self) -> NDArray[np.uint8]:
        """Return the whole screen, ``uint8`` of shape (1200, 1600, 3), BGR."""
        data = self._root.get_image(0, 0, WIDTH, HEIGHT, X.ZPixmap, 0xFFFFFFFF).data
        return np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 4)[:, :, :3].copy()

    def titles(self) -> list[str]:
        """Return the titles of the windows one can see."""
        utf8_name = self._display.intern_atom("_NET_WM_NAME")
        return [
            window.get_full_text_property(utf8_name, self._display.intern_atom("UTF8_STRING"))
            for window in self._windows()
        ]

    def press(self, key: str) -> None:
        """Press and release a key, given by its X name ("q", "Escape", "Left"), in the only window."""
        (window,) = self._windows()
        window.set_input_focus(X.RevertToParent, X.CurrentTime)
        code = self._display.keysym_to_keycode(XK.string_to_keysym(key))
        xtest.fake_input(self._display, X.KeyPress, code)
        xtest.fake_input(self._display, X.KeyRelease, code)
        self._display.sync()

    def click_close(self) -> None:
        """Do what a window manager does for a click on the close button of the only window."""
        (window,) = self._windows()
        delete = self._display.intern_atom("WM_DELETE_WINDOW")
        protocols = self._display.intern_atom("WM_PROTOCOLS")
        window.send_event(
            ClientMessage(window=window, client_type=protocols, data=(32, [delete, X.CurrentTime, 0, 0, 0]))
        )
        self._display.sync()

    def full_screen_request(self) -> bool | None:
        """Return whether a window last asked for full screen or its end; None if none did since the last call."""
        full_screen = self._display.intern_atom("_NET_WM_STATE_FULLSCREEN")
        events = [self._display.next_event() for _ in range(self._display.pending_events())]
        requests = [event.data[1] for event in events if event.type == X.ClientMessage]
        return next((data[0] == 1 for data in reversed(requests) if full_screen in data), None)

    def close(self) -> None:
        """Leave the server; it goes on without us."""
        self._display.close()

    def _windows(self) -> list[Any]:
        return [window for window in self._root.query_tree().children if _is_visible(window)]


def _is_visible(window: Any) -> bool:
    try:
        return bool(window.get_attributes().map_state == X.IsViewable and window.get_wm_protocols())
    except BadWindow:  # closed since it was listed
        return False


@contextmanager
def x_server() -> Iterator[str]:
    """Run Xvfb on a display that it finds free, and give its name.

    Raises:
        FileNotFoundError: Xvfb is not installed.
    """
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-noreset"]
    with os.fdopen(reader) as number:
        try:
            server = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL)
        finally:
            os.close(writer)
        try:
            yield f":{number.readline().strip()}"
        finally:
            server.terminate()
            server.wait(10)
