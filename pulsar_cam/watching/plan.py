"""What a run of `watch` is asked to do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import InvalidOption
from ..pulsar.topics import Topic
from ..runtime.run import check_limits

DEFAULT_MAX_AGE_MS = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPlan:
    """How to watch, and for how long.

    Attributes:
        subscription: its name; it is gone afterwards unless it is durable.
        durable: the subscription keeps its place while its viewer is away.
        every_frame: show every frame once and in order, whatever its age, and acknowledge it only then; the
            subscription is durable.
        max_age_ms: frames that are older, in milliseconds, are not shown, and a viewer that Pulsar lets fall further
            behind jumps to live. None for 500, or for no limit on a durable subscription, which is owed what it
            missed; ``math.inf`` for no limit.
        frames: how many to receive; None for all.
        duration_s: for how long, in seconds; None for ever.
    """

    subscription: str
    durable: bool = False
    every_frame: bool = False
    max_age_ms: float | None = None
    frames: int | None = None
    duration_s: float | None = None

    def check(self, topic: Topic) -> None:
        """Find out whether this can be done on a topic.

        Raises:
            InvalidOption: a value is out of range, or two of them exclude each other.
        """
        check_limits(self.frames, self.duration_s)
        if self.max_age_ms is not None and not self.max_age_ms > 0:
            raise InvalidOption(
                "max_age_ms", self.max_age_ms, "expected milliseconds above 0, or `math.inf` for no limit"
            )
        if self.every_frame:
            topic.check_keeps_frames()
        if self.every_frame and self.max_age_ms not in (None, math.inf):
            expected = "with `every_frame` each one is shown, whatever its age; give one of the two"
            raise InvalidOption("max_age_ms", self.max_age_ms, expected)

    def limit_ms(self, *, is_durable: bool) -> float:
        """Return the age limit in force on a subscription that is durable or not."""
        if self.max_age_ms is not None:
            return self.max_age_ms
        return math.inf if is_durable else DEFAULT_MAX_AGE_MS
