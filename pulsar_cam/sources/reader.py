"""Reading a source beside everything else, so that capture waits for nothing but the source, and comes back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from ..errors import SourceError, SourceStopped
from ..frame import Captured
from ..runtime.retry import backoff
from .reading import Reading
from .source import Source

logger = logging.getLogger(__name__)

LOOK_S = 0.25
_FIRST_LOOK_S = 0.02
JOIN_S = 0.5
_MOST_STUCK = 3


@dataclass(frozen=True, slots=True)
class _End:
    """That no more frames come: since when, and the error that it is, if it is one."""

    at_s: float
    error: Exception | None


class _Losses:
    """How often a source stopped, and whether it is back."""

    def __init__(self) -> None:
        self.count = 0
        self.recovery_s: float | None = None
        self.trouble = ""
        self._lost_at_s = 0.0

    def begin(self, lost: SourceStopped, name: str) -> None:
        logger.warning("%s; trying again", lost)
        self.count += 1
        self._lost_at_s = time.monotonic()
        self.trouble = f"{name} stopped: {lost.problem}, trying again"

    def end(self, name: str) -> None:
        self.recovery_s, self.trouble = time.monotonic() - self._lost_at_s, ""
        logger.warning("%s is back after %.1f s", name, self.recovery_s)


class _Numbers:
    """Counts frames on over losses, as every opening of a source begins at 0 again; those it left out, too."""

    def __init__(self) -> None:
        self.damaged_before = 0
        self._first = self._next = 0

    def begin(self, damaged: int) -> None:
        self._first, self.damaged_before = self._next, damaged

    def counted_on(self, captured: Captured) -> Captured:
        number = self._first + (captured.sequence or 0)
        self._next = number + 1
        return replace(captured, sequence=number) if self._first else captured


class SourceReader:
    """Opens a source, and hands over each frame from `begin` on, until the source ends or the context is left.

    A source that `recovers` is opened again when it has stopped, for ever: after SourceStopped, and after a call that
    does not return for PATIENCE_S. One that cannot be opened the first time is an error at once. A thread that a
    driver blocks is left behind; with three of them, the next one starts when one has come back.

    Attributes:
        name: of the source, as in its frames; empty before it is open.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        on_frame: Callable[[Captured], None],
        on_end: Callable[[], None],
        *,
        recovers: bool = False,
    ) -> None:
        """Take what is called in threads: `on_frame` with each frame, `on_end` when no more will come."""
        self.name = ""
        self._open_source, self._on_frame, self._on_end = open_source, on_frame, on_end
        self._recovers = recovers
        self._reading: Reading | None = None
        self._stuck: list[Reading] = []
        self._numbers, self._losses = _Numbers(), _Losses()
        self._end: _End | None = None
        self._opened = threading.Event()
        self._begun = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="source-reader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._thread.join()  # it leaves behind whatever does not answer
        if self._end and self._end.error and error is None:
            raise self._end.error

    def wait_open(self, timeout_s: float) -> bool:
        """Wait until the source is open or has failed to open; return whether that is settled."""
        return self._opened.wait(timeout_s)

    @property
    def has_failed(self) -> bool:
        """Whether the source gave an error, which leaving the context raises."""
        return self._end is not None and self._end.error is not None

    @property
    def ended_for_s(self) -> float:
        """Seconds since the source ended; 0 while more frames may come."""
        return time.monotonic() - self._end.at_s if self._end else 0.0

    @property
    def damaged(self) -> int:
        """How many frames the source left out, because they are not pictures."""
        source = self._reading.source if self._reading else None
        return self._numbers.damaged_before + (source.damaged if source else 0)

    @property
    def losses(self) -> int:
        """How often the source stopped."""
        return self._losses.count

    @property
    def recovery_s(self) -> float | None:
        """How long it last took from noticing that to the next frame, in seconds; None if there was none."""
        return self._losses.recovery_s

    @property
    def trouble(self) -> str:
        """While the source gives no frames, what happened, in a few words; else empty."""
        return self._losses.trouble

    def begin(self) -> None:
        """Start to read frames."""
        self._begun.set()

    def end(self) -> None:
        """Stop reading; a frame that is being read may still come."""
        self._ending.set()
        if self._reading:
            self._reading.close()
        self._begun.set()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            error = self._read()
            while self._recovers and isinstance(error, SourceStopped) and self.name:
                error = self._recover(error)
        finally:
            self._end = _End(time.monotonic(), error)
            self._opened.set()
            self._on_end()

    def _recover(self, lost: SourceStopped) -> Exception | None:
        """Open the source again and again until it gives frames, and return why these ended; None at their end."""
        self._losses.begin(lost, self.name)
        delays_s = backoff()
        while not self._ending.wait(next(delays_s)):
            self._stuck = [reading for reading in self._stuck if not reading.ended.is_set()]
            if len(self._stuck) < _MOST_STUCK:
                error = self._read()
                if not self.trouble or not isinstance(error, SourceError):
                    return error
                logger.info("%s", error)
        return None

    def _read(self) -> Exception | None:
        """Have the source opened and read, and return why that ended; None at its end, or when asked to end."""
        self._numbers.begin(self.damaged)
        self._reading = reading = Reading(self._open_source, self._begun, self._note_open, self._hand_over)
        reading.start()
        while not reading.ended.wait(LOOK_S):
            if self._ending.is_set():
                self._leave(reading)
                return None
            if stuck := reading.stuck:
                self._stuck.append(reading)
                reading.close()
                return stuck
        return reading.error

    def _leave(self, reading: Reading) -> None:
        reading.close()
        while not reading.ended.wait(JOIN_S):
            if not reading.is_handing_over:
                logger.warning("the source does not answer and is left behind")
                return

    def _note_open(self, source: Source) -> None:
        self.name = source.name
        self._opened.set()

    def _hand_over(self, captured: Captured) -> None:
        if self.trouble:
            self._losses.end(self.name)
        self._on_frame(self._numbers.counted_on(captured))


def first_frame(
    open_source: Callable[[], Source], timeout_s: float, stop: threading.Event | None = None
) -> Captured | None:
    """Open a source, and close it again; return its first frame, or None if it gave none in time or was stopped.

    Raises:
        SourceError: it cannot be opened, or failed before that.
    """
    stop, frames, deadline_s = stop or threading.Event(), list[Captured](), time.monotonic() + timeout_s
    with SourceReader(open_source, frames.append, lambda: None) as reader:
        reader.begin()
        while not (frames or reader.ended_for_s or stop.wait(_FIRST_LOOK_S)) and time.monotonic() < deadline_s:
            pass
    return frames[0] if frames else None
