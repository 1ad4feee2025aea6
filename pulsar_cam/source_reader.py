"""Reading a source in a thread of its own, so that capture never waits for anything but the source."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .frame import Captured
from .source import Source

logger = logging.getLogger(__name__)

_JOIN_S = 0.5


class SourceReader:
    """Opens a source, and hands over each frame from `begin` on, until the source ends or the context is left.

    A driver can block for ever in a read: its thread, a daemon, is then left behind, and that is logged.
    """

    def __init__(
        self, open_source: Callable[[], Source], on_frame: Callable[[Captured], None], on_end: Callable[[], None]
    ) -> None:
        """Take what is called in the thread: `on_frame` with each frame, `on_end` when no more will come."""
        self._open_source, self._on_frame, self._on_end = open_source, on_frame, on_end
        self._source: Source | None = None
        self._error: Exception | None = None
        self._ended_at_s: float | None = None
        self._opened = threading.Event()
        self._begun = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="source", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            logger.warning("the source does not answer and is left behind")
        if self._error and error is None:
            raise self._error

    def wait_open(self, timeout_s: float) -> bool:
        """Wait until the source is open or has failed to open; return whether that is settled."""
        return self._opened.wait(timeout_s)

    @property
    def has_failed(self) -> bool:
        """Whether the source gave an error, which leaving the context raises."""
        return self._error is not None

    @property
    def ended_for_s(self) -> float:
        """Seconds since the source ended; 0 while more frames may come."""
        return time.monotonic() - self._ended_at_s if self._ended_at_s else 0.0

    def begin(self) -> None:
        """Start to read frames."""
        self._begun.set()

    def end(self) -> None:
        """Stop reading; a frame that is being read may still come."""
        self._ending.set()
        self._begun.set()
        if self._source:
            self._source.close()

    def _run(self) -> None:
        try:
            self._source = self._open_source()
            self._opened.set()
            self._begun.wait()
            while not self._ending.is_set() and (frame := self._source.read()):
                self._on_frame(frame)
        except Exception as error:  # also one that is a bug: the end of a source must not hide it
            if not self._ending.is_set():
                self._error = error
        finally:
            self._opened.set()
            if self._source:
                self._source.close()
            self._ended_at_s = time.monotonic()
            self._on_end()
