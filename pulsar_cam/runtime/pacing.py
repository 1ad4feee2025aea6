"""Time for sources: play frames at their rate, and thin frames out to a rate."""

from __future__ import annotations

import threading
import time


class Pacer:
    """Waits until each frame's time has come, on the monotonic clock.

    Args:
        stopped: set from another thread, ends a wait at once.
        catch_up: seconds of delay that later frames make up for. A reader that is later than this
            moves the rest of the film back, because a burst of frames helps no viewer.
    """

    def __init__(self, stopped: threading.Event, catch_up: float) -> None:
        self._stopped = stopped
        self._catch_up = catch_up
        self._start: float | None = None

    def wait_until(self, seconds: float) -> bool:
        """Wait until ``seconds`` of the film have passed, counted from the first call; False if stopped."""
        now = time.monotonic()
        if self._start is None:
            self._start = now - seconds
        self._start = max(self._start, now - seconds - self._catch_up)
        return not self._stopped.wait(max(0.0, self._start + seconds - now))


class RateLimit:
    """Chooses which frames to keep, so that about ``fps`` of them remain in a second; None keeps all."""

    def __init__(self, fps: float | None) -> None:
        self._period = 1 / fps if fps else 0.0
        self._due: float | None = None

    def keep(self, seconds: float) -> bool:
        """Say whether to keep the frame of this time, in seconds on any clock that does not go back."""
        if self._due is None:
            self._due = seconds
        # A quarter of the period is let pass as jitter: without it, half of the rate could lose frame after frame.
        if seconds < self._due - self._period / 4:
            return False
        self._due = max(self._due, seconds - self._period) + self._period
        return True
