"""What gives frames."""

from __future__ import annotations

from typing import Protocol

from ..frame import Captured


class Source(Protocol):
    """Something that gives frames.

    Attributes:
        name: becomes the key and the ``source`` property of messages: ``camera-0``, ``test-pattern``, a file's name
            without its ending, a URL's host. Printable, and without a URL's user and password.
        damaged: how many frames were left out, because they are not pictures.
        can_wait: whether a frame that is not read yet is still there later, as in a film; a camera cannot wait.
    """

    name: str
    damaged: int
    can_wait: bool

    @property
    def blocked_s(self) -> float:
        """For how long a call has not returned that never should take long, in seconds; 0 for what is not live."""

    def read(self) -> Captured | None:
        """Wait for the next frame, at the rate of the source; None at its end, and once it is closed.

        Its image is not written to again, and ``sequence`` counts the frames that were returned, from 0.

        Raises:
            SourceStopped: a live source gives no more frames; opening it again may help.
        """

    def close(self) -> None:
        """Let go of the device, file or connection. May be called twice, and while another thread reads."""
