"""What a person in front of a stream sees and does: pictures, waiting, pause, snapshots."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import PulsarCamError
from ..frame import Frame, Packet
from ..pictures.jpeg import encode
from .snapshot import free_path, save_snapshot
from .window import Action, Window

logger = logging.getLogger(__name__)

_SNAPSHOT_QUALITY = 95


class Viewer:
    """Shows frames in a window, or nowhere when there is none.

    Attributes:
        wants_quit: the user pressed q or Esc, or closed the window.
        is_paused: the user pressed space; the picture stands until it is pressed again.
        packet: what the frame on show was decoded from; None if it was captured here, or none came yet.
    """

    def __init__(self, window: Window | None = None) -> None:
        self.wants_quit = False
        self.is_paused = False
        self.packet: Packet | None = None
        self._window = window
        self._frame: Frame | None = None
        self._info: Callable[[], Sequence[str]] = list

    @property
    def is_seen(self) -> bool:
        """Whether frames are seen, not only counted."""
        return self._window is not None

    def show(self, frame: Frame, info: Callable[[], Sequence[str]] = list, packet: Packet | None = None) -> None:
        """Show a frame.

        Args:
            info: gives the lines of the info overlay, if it is on.
            packet: what the frame was decoded from, for a snapshot without loss.
        """
        self.packet, self._info = packet, info
        self._frame = frame if self._window else None  # nothing is drawn again without a window
        self._redraw()

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height, in pixels, into which frames are fitted; None for their own."""
        return self._window.size if self._window else None

    def wait(self, message: str) -> None:
        """Say that no frames come, and why; a paused picture stays as it is."""
        if self._window and not self.is_paused:
            self._window.wait_card(message)

    def poll(self) -> None:
        """Let the window live, and do what the user asked for."""
        for action in self._window.poll() if self._window else ():
            if action is Action.QUIT:
                self.wants_quit = True
            elif action is Action.PAUSE:
                self.is_paused = not self.is_paused
                self._redraw()
            elif action is Action.SNAPSHOT:
                self._snapshot()

    def _redraw(self) -> None:
        if self._window and self._frame:
            self._window.show(self._frame.image, self._info, "paused" if self.is_paused else "")

    def _snapshot(self) -> None:
        if not self._frame:
            return
        try:
            path = free_path(Path.cwd(), self._frame)
            save_snapshot(self.packet or encode(self._frame, _SNAPSHOT_QUALITY), path)
        except (PulsarCamError, OSError) as error:  # OSError: the current folder is gone
            logger.warning("no snapshot: %s", error)
        else:
            logger.warning("snapshot saved: %s", path)
