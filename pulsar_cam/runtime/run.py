"""When a run of `publish` or `watch` goes on."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from ..errors import InvalidOption
from .background import Background

TICK_S = 0.02
"""The pause between two looks at what a person does, in seconds."""


class Run:
    """Goes on while its network does, until it is asked to stop or its time is over."""

    def __init__(
        self, network: Background, stop: threading.Event, wants_quit: Callable[[], bool], duration_s: float | None
    ) -> None:
        self._network, self._stop, self._wants_quit = network, stop, wants_quit
        self._ends_at_s = math.inf if duration_s is None else time.monotonic() + duration_s

    @property
    def is_stopped(self) -> bool:
        """Whether the run was asked to end."""
        return self._stop.is_set() or self._wants_quit()

    @property
    def goes_on(self) -> bool:
        """Whether the network still works, and the run was not asked to end."""
        return self._network.is_running and not self.is_stopped

    @property
    def is_over_time(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() > self._ends_at_s


def check_limits(frames: int | None, duration_s: float | None) -> None:
    """Find out whether a run could end as asked for.

    Raises:
        InvalidOption: a number of frames below 1, or a duration that is not a number of seconds above 0.
    """
    if frames is not None and frames < 1:
        raise InvalidOption("frames", frames, "expected 1 or more")
    if duration_s is not None and not 0 < duration_s < math.inf:
        raise InvalidOption("duration_s", duration_s, "expected a number of seconds above 0")
