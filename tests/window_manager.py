"""The smallest window manager: windows get the size they ask for, and the full screen when they ask for that.

Without one, Qt loses the event that its window was shown, in about one start in twenty, and never paints: the event
comes before the call that causes it has returned, which no window manager is fast enough for.
"""

from __future__ import annotations

import threading
from typing import Any

from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError


class WindowManager:
    """Manages the windows of a display on a thread of its own, until the X server ends."""

    def __init__(self, display_name: str) -> None:
        self._display = Display(display_name)
        self._root = self._display.screen().root
        self._full_screen = self._display.intern_atom("_NET_WM_STATE_FULLSCREEN")
        self._sizes: dict[int, Any] = {}  # of the windows that fill the screen: what they had before
        self._root.change_attributes(event_mask=X.SubstructureRedirectMask)
        self._display.sync()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            while True:
                self._handle(self._display.next_event())
        except ConnectionClosedError:
            pass

    def _handle(self, event: Any) -> None:
        if event.type == X.MapRequest:
            event.window.map()
        elif event.type == X.ConfigureRequest:
            event.window.configure(x=event.x, y=event.y, width=event.width, height=event.height)
        elif event.type == X.ClientMessage and self._full_screen in event.data[1]:
            self._set_full_screen(event.window, on=event.data[1][0] == 1)

    def _set_full_screen(self, window: Any, on: bool) -> None:
        """Do it once, and undo only what was done: Qt asks twice, and takes back what it never asked for."""
        if on and window.id not in self._sizes:
            self._sizes[window.id] = window.get_geometry()
            size = self._root.get_geometry()
            window.configure(x=0, y=0, width=size.width, height=size.height)
        elif not on and window.id in self._sizes:
            size = self._sizes.pop(window.id)
            window.configure(x=0, y=0, width=size.width, height=size.height)
