"""One opening of a source, and the reading of it, in a thread that can be left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..errors import SourceStopped
from ..frame import Captured
from .capture import PATIENCE_S
from .source import Source

_CHECK = "check the camera's cable, or the stream's address"
_REPLUG = "unplug the camera and plug it in again"
OPENING_S = 3 * PATIENCE_S  # a stream's address is looked up, connected to, and asked for pictures


class Reading:
    """Opens a source in a thread of its own, and hands over its frames until it ends, fails or is closed.

    The thread is a daemon, because a driver can block it for ever. It closes its source whenever it comes back.

    Attributes:
        source: what was opened; None before that.
        error: why it failed; None if it did not, or was closed before.
        is_handing_over: whether a frame is being handed over, which can take its time.
        ended: set when the source is closed and nothing more will come.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        begun: threading.Event,
        on_open: Callable[[Source], None],
        on_frame: Callable[[Captured], None],
    ) -> None:
        """Take what is called in the thread; frames are read once `begun` is set."""
        self.source: Source | None = None
        self.error: Exception | None = None
        self.is_handing_over = False
        self.ended = threading.Event()
        self._open_source, self._begun, self._on_open, self._on_frame = open_source, begun, on_open, on_frame
        self._closing = threading.Event()
        self._started_s = time.monotonic()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="source", daemon=True).start()

    @property
    def stuck(self) -> SourceStopped | None:
        """What is to be said of a thread that a call has not returned to for too long; None if all is well."""
        if self.ended.is_set():
            return None
        if self.source is None:
            if time.monotonic() - self._started_s <= OPENING_S:
                return None
            return SourceStopped("the source", f"it could not be opened within {OPENING_S:g} s", _CHECK)
        if self.source.blocked_s > PATIENCE_S:
            return SourceStopped(self.source.name, f"its driver has not answered for {PATIENCE_S:g} s", _REPLUG)
        return None

    def close(self) -> None:
        """Ask the thread to end; no frame is handed over that is read from now on."""
        self._closing.set()
        if self.source:
            self.source.close()

    def _run(self) -> None:
        try:
            self.source = self._open_source()
            self._on_open(self.source)
            self._begun.wait()
            while not self._closing.is_set() and (captured := self.source.read()):
                self._hand_over(captured)
        except Exception as error:  # also one that is a bug: the end of a source must not hide it
            if not self._closing.is_set():
                self.error = error
        finally:
            if self.source:
                self.source.close()
            self.ended.set()

    def _hand_over(self, captured: Captured) -> None:
        self.is_handing_over = True
        if not self._closing.is_set():
            self._on_frame(captured)
        self.is_handing_over = False
