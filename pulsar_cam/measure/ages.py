"""How old frames are when they are shown, as far as two clocks can say."""

from __future__ import annotations

import math
import time
from typing import Any

from ..frame import Packet
from .clocks import ClockOffset
from .stages import Durations


class Ages:
    """The ages of the frames of one stream, by this machine's clock with the publisher's offset taken off.

    Attributes:
        limit_ms: frames that are older are not shown; infinite for no limit.
        clock: what is known about the publisher's clock.
        shown: how old each frame was when it was shown.
    """

    def __init__(self) -> None:
        self.limit_ms = math.inf
        self.clock = ClockOffset()
        self.shown = Durations()

    def of_ms(self, packet: Packet) -> float:
        """Return how old a packet's picture is now, in milliseconds; 0 for one that claims to be from the future."""
        return max(0, time.time_ns() - self.clock.offset_ns - packet.captured_at_ns) / 1e6

    def is_too_old(self, packet: Packet) -> bool:
        """Return whether a packet is past the age limit."""
        return self.of_ms(packet) > self.limit_ms

    def show(self, packet: Packet) -> None:
        """Count the age of a frame that is shown now."""
        self.shown.add(round(self.of_ms(packet) * 1e6))

    def by_publisher_ns(self, at_ns: int | None) -> int | None:
        """Return a reading of this machine's clock as the publisher's clock had it, in nanoseconds."""
        return None if at_ns is None else at_ns - self.clock.offset_ns

    @property
    def newest_ms(self) -> float | None:
        """The age of the last frame that was shown, in milliseconds; None before the first."""
        return self.shown.newest_ms

    @property
    def text(self) -> str:
        """The ages of the frames shown, in words, with what the clocks leave open."""
        ages = self.shown.percentiles_ms()
        if ages["p50"] is None:
            return "age -"
        clock = f" ({self.clock_text})" if self.clock_text else ""
        return f"age p50 {ages['p50']:.0f} p95 {ages['p95']:.0f} p99 {ages['p99']:.0f} ms{self.precision_text}{clock}"

    @property
    def precision_text(self) -> str:
        """By how much the clocks may make an age wrong, as `` ±7``, or `` or more``; empty if that is not known."""
        uncertainty_ms = self.clock.uncertainty_ms
        if uncertainty_ms is None:
            return " or more" if self.clock.offset_ns else ""
        return f" ±{uncertainty_ms:.0f}"

    @property
    def clock_text(self) -> str:
        """How far the publisher's clock is off, in words; empty where it may be right."""
        offset_ns = self.clock.offset_ns
        side = "behind" if offset_ns > 0 else "ahead"
        return f"the publisher's clock is {abs(offset_ns) / 1e9:.3g} s {side}" if offset_ns else ""

    def as_dict(self) -> dict[str, Any]:
        """Return the ages and what the clocks leave open, as they are printed in JSON."""
        return {
            "age_ms": self.shown.percentiles_ms(),
            "clock_offset_ms": round(self.clock.offset_ns / 1e6, 1),
            "clock_uncertainty_ms": self.clock.uncertainty_ms,
        }
