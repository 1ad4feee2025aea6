"""When probes that fail or are slow are a problem, and when it has passed: a moving window, and no clock."""

from __future__ import annotations

from collections import deque

WINDOW = 5
MOST_SLOW = 1
IN_TIME_AGAIN = 3


class Policy:
    """Judges the outcomes of one kind of probe, one after another.

    One that fails is a problem at once, and so is the second of the last 5 that takes longer than the budget. It has
    passed when 3 in a row were in time, and their forerunners are forgotten then.

    Args:
        budget_ms: a probe that takes longer is slow.

    Attributes:
        reason: why there is a problem; empty while there is none.
        has_failed: whether the problem is that one failed, not that some are slow.
    """

    def __init__(self, budget_ms: float) -> None:
        self.reason = ""
        self.has_failed = False
        self._budget_ms = budget_ms
        self._slow: deque[bool] = deque(maxlen=WINDOW)
        self._in_time = 0

    def succeeded(self, took_ms: float) -> None:
        """Note a probe that came."""
        is_slow = took_ms > self._budget_ms
        self._slow.append(is_slow)
        self._in_time = 0 if is_slow else self._in_time + 1
        if self._in_time >= IN_TIME_AGAIN:
            self.forget()
        elif sum(self._slow) > MOST_SLOW and not self.has_failed:
            self.reason = f"{sum(self._slow)} of the last {len(self._slow)} took more than {self._budget_ms:g} ms"

    def failed(self, reason: str) -> None:
        """Note a probe that was refused, or did not come in time."""
        self.reason, self.has_failed, self._in_time = reason, True, 0

    def forget(self) -> None:
        """Begin again, as after the probes could not be sent for a while."""
        self.reason, self.has_failed, self._in_time = "", False, 0
        self._slow.clear()

    @property
    def is_recovering(self) -> bool:
        """Whether there is a problem, and the last one was in time."""
        return bool(self.reason) and self._in_time > 0
