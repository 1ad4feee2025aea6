"""Where captured frames wait for the encoder, and what leaves frames out before any work is done on them."""

from __future__ import annotations

import time

from ..frame import Captured
from ..runtime.handoff import HandOff, InTurn, Latest
from ..runtime.pacing import RateLimit
from .stats import PublishStats

_SLOTS = 4


class Throttle:
    """Leaves out captured frames, so that a lower rate remains."""

    def __init__(self) -> None:
        self._rate = RateLimit(None)
        self._reason = ""

    def set(self, fps: float | None, reason: str) -> None:
        """Let that many frames a second through, None for all; the others are dropped for that reason."""
        self._reason, self._rate = reason, RateLimit(fps)

    def reason_to_drop(self) -> str | None:
        """Return why a frame that comes now is left out; None to let it through."""
        return None if self._rate.keep(time.monotonic()) else self._reason


class Intake:
    """Takes frames from the thread that captures, and counts each; the encoder takes them out in another.

    Args:
        every_frame: the thread that captures waits for a place, instead of the newest frame winning.

    Attributes:
        throttle: leaves out frames.
    """

    def __init__(self, stats: PublishStats, *, every_frame: bool) -> None:
        self.throttle = Throttle()
        self._stats = stats
        self._frames: HandOff[Captured] = InTurn(_SLOTS) if every_frame else Latest()

    def offer(self, captured: Captured) -> None:
        """Hand over a captured frame."""
        self._stats.captured_rate.count()
        if reason := self.throttle.reason_to_drop():
            self._stats.dropped.count(reason)
        elif self._frames.put(captured):
            self._stats.dropped.count(self._stats.reason_to_supersede)

    def close(self) -> None:
        """Say that no more frames will be offered."""
        self._frames.close()

    def take(self, timeout_s: float) -> Captured | None:
        """Wait for a frame; None after that time, or at the end."""
        return self._frames.take(timeout_s)

    @property
    def is_drained(self) -> bool:
        """Whether no more frames come, and none waits."""
        return self._frames.is_drained
