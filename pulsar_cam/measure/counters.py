"""What the counters of a publisher and of a viewer have in common: drops by reason, the newest picture, a notice."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..frame import Packet
from ..text import printable

STOPPED = "stopped"
"""Why frames are dropped that were under way when the run ended."""
_NOTICE_LASTS_S = 3.0  # a publisher repeats it every second
_LONGEST_SOURCE = 40


class Drops(Mapping[str, int]):
    """How many frames were dropped, by reason; counted from several threads.

    As a mapping it has the reasons that occurred, and 0 for any other.

    Args:
        reasons: those that can occur, which `so_far` always has.
    """

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self._reasons = reasons
        self._counts: Counter[str] = Counter()
        self._counting = threading.Lock()

    def count(self, reason: str) -> int:
        """Count one drop; return how many there were for this reason."""
        with self._counting:
            self._counts[reason] += 1
            return self._counts[reason]

    def count_stopped(self, under_way: int) -> None:
        """Count those that were still under way at the end of a run."""
        if under_way:
            with self._counting:
                self._counts[STOPPED] += under_way

    def __getitem__(self, reason: str) -> int:
        return self._counts[reason]

    def __contains__(self, reason: object) -> bool:
        return reason in self._counts

    def __iter__(self) -> Iterator[str]:
        with self._counting:
            return iter(list(self._counts))

    def __len__(self) -> int:
        return len(self._counts)

    def total(self) -> int:
        """Return how many there were for all reasons."""
        with self._counting:
            return self._counts.total()

    @property
    def so_far(self) -> dict[str, int]:
        """A copy, with 0 for each reason that did not occur."""
        with self._counting:
            return {**dict.fromkeys(self._reasons, 0), **self._counts}

    def __repr__(self) -> str:
        return f"Drops({self.so_far})"

    @property
    def reasons_text(self) -> str:
        """The reasons that occurred, as ``superseded 10, decode_error 2``; empty if there is none."""
        with self._counting:
            return ", ".join(f"{reason} {count}" for reason, count in self._counts.most_common())

    def __str__(self) -> str:
        """Return them as ``12 (superseded 10, decode_error 2)``, or ``0``."""
        reasons = self.reasons_text
        return f"{self.total()} ({reasons})" if reasons else "0"


def warn_once(logger: logging.Logger, count: int, text: str, *values: object) -> None:
    """Log what occurred for the first time; the counter shows how often it occurs after that."""
    if count == 1:
        logger.warning(f"{text} (said once, counted from here on)", *values)


@dataclass(frozen=True, slots=True)
class Picture:
    """The newest picture, in words.

    Attributes:
        width: of the picture as it was published, in pixels; `height` likewise.
        quality: its JPEG quality, 1 to 100; None if it is not known.
        source: the name of its source, safe to show.
    """

    width: int
    height: int
    quality: int | None
    source: str = ""

    @classmethod
    def of(cls, packet: Packet) -> Picture:
        """Return what is to be said of a packet."""
        return cls(packet.width, packet.height, packet.quality, printable(packet.source, _LONGEST_SOURCE))

    def __str__(self) -> str:
        return f"{self.width}x{self.height}" + (f" q{self.quality}" if self.quality else "")


class Notice:
    """What the publisher says of why it has no pictures, for as long as it repeats that."""

    def __init__(self) -> None:
        self._text = ""
        self._heard_at_s = 0.0

    def hear(self, packet: Packet) -> None:
        """Note the notice of a card; a picture, which has none, ends it."""
        self._text, self._heard_at_s = packet.notice, time.monotonic()

    def __str__(self) -> str:
        return self._text if time.monotonic() - self._heard_at_s < _NOTICE_LASTS_S else ""


def reconnected_text(reconnects: int, recovery_s: float | None) -> str:
    """Return how often a session was opened again as ``, reconnected 3 times (the last in 1.2 s)``, or nothing."""
    times = "once (in" if reconnects == 1 else f"{reconnects} times (the last in"
    return f", reconnected {times} {recovery_s:.1f} s)" if recovery_s is not None else ""
