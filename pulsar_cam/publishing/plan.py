"""What a run of `publish` is asked to do."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ..errors import InvalidOption
from ..pulsar.topics import Topic
from ..runtime.run import check_limits


class Adapt(enum.Enum):
    """What becomes of the controller's decisions."""

    ON = "on"
    OFF = "off"
    DRY_RUN = "dry-run"  # they are only logged


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPlan:
    """How to publish, and for how long.

    Attributes:
        quality: JPEG quality, 1 to 100; lowered while a message does not fit the node's limits.
        adapt: lower quality, size and rate as well while the way to the node is too slow for them.
        on_demand: publish one frame a second while the topic has no subscribers.
        follow_monitor: lower the quality also while `pulsar-cam monitor` reports late frames behind the node.
        every_frame: leave no frame out: the source waits for the node, for as long as that takes, and what was not
            acknowledged is sent again. For a source that can wait, such as a film, and a persistent topic.
        exit_on_camera_loss: end with SourceStopped when a camera or live stream stops, instead of opening it again.
        frames: how many to publish; None for all.
        duration_s: for how long, in seconds; None for ever.
    """

    quality: int = 80
    adapt: Adapt = Adapt.ON
    on_demand: bool = False
    follow_monitor: bool = False
    every_frame: bool = False
    exit_on_camera_loss: bool = False
    frames: int | None = None
    duration_s: float | None = None

    def check(self, topic: Topic) -> None:
        """Find out whether this can be done on a topic.

        Raises:
            InvalidOption: a value is out of range, or two of them exclude each other.
        """
        if not 1 <= self.quality <= 100:
            raise InvalidOption("quality", self.quality, "expected 1 to 100")
        check_limits(self.frames, self.duration_s)
        if self.follow_monitor and self.adapt is Adapt.OFF:
            raise InvalidOption(
                "follow_monitor", True, "it changes nothing with `Adapt.OFF`; leave one of the two out"
            )
        if self.every_frame and self.on_demand:
            raise InvalidOption("every_frame", True, "`on_demand` leaves frames out; give one of the two")
        if self.every_frame:
            topic.check_keeps_frames()

    @property
    def adapts(self) -> bool:
        """Whether the controller is asked at all; where every frame counts, the source waits instead."""
        return self.adapt is not Adapt.OFF and not self.every_frame

    @property
    def asks_who_watches(self) -> bool:
        """Whether it matters who watches: for the rate, or because viewers that lag speak for a lower quality."""
        return self.adapts or self.on_demand
