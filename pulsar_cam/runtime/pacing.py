"""Time for sources: play frames at their rate, and thin frames out to a rate."""

from __future__ import annotations

import threading
import time


class Pacer:
    """Waits until each frame's time has come, on the monotonic clock.

    Args:
        stopped: set from another thread, ends a wait at once.
        catch_up_s: a delay, in seconds, that later frames make up for. A reader that is later than this
            moves the rest of the film back, because a burst of frames helps no viewer.
    """

    def __init__(self, stopped: threading.Event, catch_up_s: float) -> None:
        self._stopped = stopped
        self._catch_up_s = catch_up_s
        self._start_s: float | None = None

    def wait_until(self, film_s: float) -> bool:
        """Wait until ``film_s`` seconds of the film have passed, counted from the first call; False if stopped."""
        now_s = time.monotonic()
        if self._start_s is None:
            self._start_s = now_s - film_s
        self._start_s = max(self._start_s, now_s - film_s - self._catch_up_s)
        return not self._stopped.wait(max(0.0, self._start_s + film_s - now_s))


class RateLimit:
    """Chooses which frames to keep, so that about ``fps`` of them remain in a second; None keeps all."""

    def __init__(self, fps: float | None) -> None:
        self._period_s = 1 / fps if fps else 0.0
        self._due_s: float | None = None

    def keep(self, now_s: float) -> bool:
        """Return whether to keep the frame of this time, in seconds on any clock that does not go back."""
        if not self._period_s:
            return True
        if self._due_s is None:
            self._due_s = now_s
        # A quarter of the period is let pass as jitter: without it, half of the rate could lose frame after frame.
        if now_s < self._due_s - self._period_s / 4:
            return False
        self._due_s = max(self._due_s, now_s - self._period_s) + self._period_s
        return True
