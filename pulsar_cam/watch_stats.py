"""What became of the messages of one viewer."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .consumer import Consumer
from .errors import DecodeError
from .frame import Packet
from .stats import Ages, Gaps, Rate, dropped_text
from .text import printable
from .topics import Topic
from .wire import Delivery

logger = logging.getLogger(__name__)

_QUIET_AFTER_S = 2.0


class WatchStats:
    """Counters of one run of `watch`; at its end ``received`` equals ``shown`` plus all of ``dropped``.

    Reasons of drops: ``superseded`` (a newer frame came while the one before was decoded), ``not_a_frame`` (no JPEG,
    a damaged one, or one too large to be safe), ``paused``, ``stopped`` (under way when the run ended).

    Attributes:
        received: messages that arrived; each was acknowledged.
        received_bytes: their payloads.
        images: those of them that look like a JPEG.
        shown: frames that were decoded and shown.
        dropped: messages left out, by reason.
        gaps: what the sequence numbers tell.
        ages: the age of each frame when it was shown.
        session: the consumer, once there is one.
    """

    def __init__(self) -> None:
        self.received = 0
        self.received_bytes = 0
        self.images = 0
        self.shown = 0
        self.dropped: Counter[str] = Counter()
        self.gaps = Gaps()
        self.ages = Ages()
        self.session: Consumer | None = None
        self._rate = Rate()
        self._picture = ""
        self._source = ""
        self._last_arrival_s: float | None = None

    @property
    def has_begun(self) -> bool:
        """Whether there was a session with Pulsar."""
        return self.session is not None and self.session.has_opened

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        return self.session.status if self.session else "connecting"

    def arrived(self, delivery: Delivery) -> None:
        """Count a message."""
        self.received += 1
        self.received_bytes += len(delivery.payload)

    def follow(self, packet: Packet) -> None:
        """Count a message that looks like a picture."""
        self.images += 1
        self.gaps.follow(packet)
        self._last_arrival_s = time.monotonic()

    def show(self, packet: Packet) -> None:
        """Count a frame that is shown now."""
        self.shown += 1
        self.ages.add(packet.captured_at_ns)
        self._rate.count()
        self._source = printable(packet.source, 40)
        quality = f" q{packet.quality}" if packet.quality else ""
        self._picture = f"{packet.width}x{packet.height}{quality}"

    def drop(self, reason: str) -> None:
        """Count a message that was left out."""
        self.dropped[reason] += 1

    def drop_unreadable(self, error: DecodeError) -> None:
        """Count a message that is no frame; the first one is logged."""
        self.drop("not_a_frame")
        if self.dropped["not_a_frame"] == 1:
            logger.warning("skipped a message: %s (said once, counted from here on)", error)

    @contextlib.contextmanager
    def accounted(self) -> Iterator[None]:
        """Count, when the run ends, the messages that were still under way."""
        try:
            yield
        finally:
            under_way = self.received - self.shown - self.dropped.total()
            if under_way:
                self.dropped["stopped"] += under_way

    @property
    def is_flowing(self) -> bool:
        """Whether frames came within the last two seconds."""
        return self._last_arrival_s is not None and time.monotonic() - self._last_arrival_s < _QUIET_AFTER_S

    def waiting_for(self, topic: Topic) -> str:
        """Return why there is no picture, as a sentence for a person."""
        if self.status != "connected":
            return self.status
        if self._last_arrival_s is None:
            return f"waiting for frames on {topic.name}"
        return f"no frames on {topic.name} for {time.monotonic() - self._last_arrival_s:.0f} s"

    @property
    def age_text(self) -> str:
        """The age of the frames shown, in words."""
        if self.ages.clocks_differ:
            return "age unknown: the publisher's clock is ahead of this one"
        ages = self.ages.percentiles_ms()
        return "age -" if ages["p50"] is None else f"age p50 {ages['p50']:.0f} p95 {ages['p95']:.0f} ms"

    @property
    def info(self) -> list[str]:
        """Lines for the info overlay."""
        newest = self.ages.newest_ms
        return [
            f"{self._source}  {self._picture}  {self._rate.per_second:.1f} fps",
            self.age_text if newest is None else f"age {newest:.0f} ms",
            f"shown {self.shown}  dropped {self.dropped.total()}  missing {self.gaps.missing}",
        ]

    @property
    def line(self) -> str:
        """One line for a terminal."""
        return (
            f"{self._rate.per_second:.1f} fps  {self._picture}  {self.age_text}  received {self.received}"
            f"  shown {self.shown}  dropped {dropped_text(self.dropped)}  missing {self.gaps.missing}  {self.status}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the counters, as they are printed in JSON."""
        return {
            "received": self.received,
            "received_bytes": self.received_bytes,
            "shown": self.shown,
            "dropped": dict(self.dropped),
            "missing": self.gaps.missing,
            "repeated": self.gaps.repeated,
            "age_ms": self.ages.percentiles_ms(),
            "clocks_differ": self.ages.clocks_differ,
            "bad_messages": self.session.bad_messages if self.session else 0,
            "reconnects": self.session.reconnects if self.session else 0,
            "fps": round(self._rate.per_second, 1),
            "source": self._source,
            "picture": self._picture,
            "status": self.status,
        }
