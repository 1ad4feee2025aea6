"""How often sessions were opened again in the last minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

_WINDOW_S = 60.0


class Reconnects:
    """Remembers the counts of several sessions for a minute."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, tuple[int, ...]]] = deque()

    def most(self, counts: Sequence[int]) -> int:
        """Note how often each session was opened again since the start, and return the most in the last minute."""
        now_s = time.monotonic()
        self._seen.append((now_s, tuple(counts)))
        while now_s - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()
        return max(now - before for now, before in zip(counts, self._seen[0][1], strict=True))
