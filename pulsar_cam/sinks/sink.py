"""What a run asks of a sink: of whatever takes its frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..frame import Frame, Packet


class Sink(Protocol):
    """Somewhere frames go; called from the thread that runs `watch`, or `publish` for its preview.

    `Viewer` is one, for a person in front of a window; `Nowhere` takes frames and keeps none.
    """

    @property
    def is_seen(self) -> bool:
        """Whether what is shown is seen; a preview that is not costs nothing."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height, in pixels, into which frames are fitted when they are decoded; None for their own."""

    @property
    def is_paused(self) -> bool:
        """Whether no frame is to be shown now."""

    @property
    def wants_quit(self) -> bool:
        """Whether the run is to end."""

    def show(self, frame: Frame, info: Callable[[], Sequence[str]], packet: Packet | None) -> None:
        """Take a frame.

        Args:
            info: returns lines about the run, for an overlay.
            packet: what the frame was decoded from; None if it was captured here.
        """

    def wait(self, message: str) -> None:
        """Learn that no frames come, and why."""

    def poll(self) -> None:
        """Do what is to be done many times a second, such as looking for keys."""


class Nowhere:
    """Takes frames and keeps none: they are decoded and counted only."""

    is_seen = is_paused = wants_quit = False
    size = None

    def show(self, frame: Frame, info: Callable[[], Sequence[str]], packet: Packet | None) -> None:
        """Do nothing."""

    def wait(self, message: str) -> None:
        """Do nothing."""

    def poll(self) -> None:
        """Do nothing."""
