"""What became of the messages of one viewer."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..errors import DecodeError
from ..frame import Packet
from ..measure.clocks import ClockOffset
from ..measure.rates import Gaps, Rate, reasons_text
from ..measure.stages import Durations, Stages
from ..pulsar.consumer import Consumer
from ..pulsar.topics import Topic
from ..pulsar.wire import Delivery
from ..runtime.background import Background
from ..text import printable

logger = logging.getLogger(__name__)

REASONS = (
    "superseded", "too_old", "not_a_frame", "repeated", "other_publisher", "notice", "paused", "stopped",
)  # fmt: skip
"""Why messages are dropped."""

_QUIET_AFTER_S = 2.0
_NOTICE_LASTS_S = 3.0  # a publisher repeats it every second


class WatchStats:
    """Counters of one run of `watch`; at its end ``received`` equals ``shown`` plus all of ``dropped``.

    Reasons of drops: ``superseded`` (a newer frame came while the one before was decoded), ``too_old`` (past the age
    limit), ``not_a_frame`` (no JPEG, a damaged one, or one too large to be safe), ``repeated`` (it came before),
    ``other_publisher`` (of several on the topic, one is shown), ``notice`` (a card, with which the publisher says why
    it has no picture), ``paused``, ``stopped`` (under way when the run ended).

    Stages of a frame's way: ``encode`` (captured to encoded), ``queue`` (encoded to sent), ``transport`` (sent to
    delivered, through the node), ``decode`` (delivered to decoded) and ``show``. ``transport`` and the age compare
    the publisher's clock with this machine's.

    Attributes:
        received: messages that arrived; each was acknowledged.
        received_bytes: their payloads.
        images: those of them that look like a JPEG.
        shown: frames that were decoded and shown.
        dropped: messages left out, by reason.
        gaps: what the sequence numbers tell.
        age: how old each frame was when it was shown, after its capture.
        stages: where that time went.
        clock: what is known about the publisher's clock.
        size: width and height of the frame on show, in pixels, as it was published; None before the first.
        quality: its JPEG quality, 1 to 100; None if that is not known.
        max_age_ms: older frames are not shown; infinite for no limit.
        session: the consumer, once there is one.
        network: the thread of the event loop, once there is one.
    """

    def __init__(self) -> None:
        self.received = 0
        self.received_bytes = 0
        self.images = 0
        self.shown = 0
        self.dropped: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.gaps = Gaps()
        self.age = Durations()
        self.stages = Stages("encode", "queue", "transport", "decode", "show")
        self.clock = ClockOffset()
        self.max_age_ms = math.inf
        self.session: Consumer | None = None
        self.network: Background | None = None
        self._notice = ""
        self._noticed_s = 0.0
        self.size: tuple[int, int] | None = None
        self.quality: int | None = None
        self._rate = Rate()
        self._picture = ""
        self._source = ""
        self._last_arrival_s: float | None = None
        self._last_shown_s: float | None = None

    @property
    def has_begun(self) -> bool:
        """Whether there was a session with Pulsar."""
        return self.session is not None and self.session.has_opened

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        return self.session.status if self.session else "connecting"

    @property
    def unready(self) -> str:
        """Why nothing can arrive now, in a few words; empty while it can."""
        return "" if self.session and self.session.is_connected else self.status

    @property
    def fps(self) -> float:
        """Frames shown in a second, over the last two."""
        return self._rate.per_second

    def arrived(self, delivery: Delivery) -> None:
        """Count a message."""
        self.received += 1
        self.received_bytes += len(delivery.payload)

    def follow(self, packet: Packet) -> None:
        """Count a message that looks like a picture, and measure its way to here."""
        self.images += 1
        self._notice = ""
        self.gaps.follow(packet)
        self._last_arrival_s = time.monotonic()
        self.clock.observe(packet, self._longest_ping_ns)
        self.stages.between("encode", packet.captured_at_ns if packet.encoded_at_ns else None, packet.encoded_at_ns)
        self.stages.between("queue", packet.encoded_at_ns, packet.sent_at_ns)
        self.stages.between("transport", packet.sent_at_ns, self._by_publisher(packet.delivered_at_ns))

    @property
    def _longest_ping_ns(self) -> int | None:
        pings_s = self.session.pings_s if self.session else ()
        return round(max(pings_s) * 1e9) if pings_s else None

    def _by_publisher(self, at_ns: int | None) -> int | None:
        return None if at_ns is None else at_ns - self.clock.offset_ns

    def age_ms(self, packet: Packet) -> float:
        """Return how old a packet's picture is now, in milliseconds; 0 for one that claims to be from the future."""
        return max(0, time.time_ns() - self.clock.offset_ns - packet.captured_at_ns) / 1e6

    def is_too_old(self, packet: Packet) -> bool:
        """Whether a packet is past the age limit."""
        return self.age_ms(packet) > self.max_age_ms

    def show(self, packet: Packet, decoded_at_ns: int) -> None:
        """Count a frame that is on show now, and was decoded at that Unix time, in nanoseconds."""
        self.shown += 1
        self.age.add(round(self.age_ms(packet) * 1e6))
        self.stages.between("decode", packet.delivered_at_ns, decoded_at_ns)
        self.stages.between("show", decoded_at_ns, time.time_ns())
        self._rate.count()
        self._last_shown_s = time.monotonic()
        self._source = printable(packet.source, 40)
        quality = f" q{packet.quality}" if packet.quality else ""
        self._picture = f"{packet.width}x{packet.height}{quality}"
        self.size, self.quality = (packet.width, packet.height), packet.quality

    def drop(self, reason: str) -> None:
        """Count a message that was left out."""
        with self._counting:  # two threads may drop for the same reason
            self.dropped[reason] += 1

    @property
    def dropped_so_far(self) -> dict[str, int]:
        """Return `dropped`, with 0 for each reason that there was none for; for any thread."""
        with self._counting:
            return {**dict.fromkeys(REASONS, 0), **self.dropped}

    def drop_card(self, packet: Packet) -> None:
        """Count a message that is no frame, but says why there is none."""
        self.drop("notice")
        self._notice, self._noticed_s = packet.notice, time.monotonic()

    @property
    def notice(self) -> str:
        """Why the publisher has no pictures, in its words; empty since one came, or when it says so no more."""
        return self._notice if time.monotonic() - self._noticed_s < _NOTICE_LASTS_S else ""

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
    def is_live(self) -> bool:
        """Whether a frame was shown within the last two seconds."""
        return self._last_shown_s is not None and time.monotonic() - self._last_shown_s < _QUIET_AFTER_S

    def waiting_for(self, topic: Topic) -> str:
        """Return why there is no picture, as a sentence for a person."""
        if self.status != "connected":
            return self.status
        if self.notice:
            return self.notice
        if self._last_arrival_s is None:
            return f"waiting for frames on {topic.name}"
        quiet_s = time.monotonic() - self._last_arrival_s
        if quiet_s < _QUIET_AFTER_S and self.dropped["too_old"]:
            return f"frames are older than {self.max_age_ms:.0f} ms when they arrive (see `max_age_ms`)"
        return f"no frames on {topic.name} for {quiet_s:.0f} s"

    @property
    def age_text(self) -> str:
        """The age of the frames shown, in words, with what the clocks leave open."""
        ages = self.age.percentiles_ms()
        if ages["p50"] is None:
            return "age -"
        clock = f" ({self._clock_text})" if self._clock_text else ""
        return (
            f"age p50 {ages['p50']:.0f} p95 {ages['p95']:.0f} p99 {ages['p99']:.0f} ms{self._precision_text}{clock}"
        )

    @property
    def _precision_text(self) -> str:
        uncertainty_ms = self.clock.uncertainty_ms
        if uncertainty_ms is None:
            return " or more" if self.clock.offset_ns else ""
        return f" ±{uncertainty_ms:.0f}"

    @property
    def _clock_text(self) -> str:
        offset_ns = self.clock.offset_ns
        side = "behind" if offset_ns > 0 else "ahead"
        return f"the publisher's clock is {abs(offset_ns) / 1e9:.3g} s {side}" if offset_ns else ""

    @property
    def info(self) -> list[str]:
        """Lines for the info overlay."""
        newest = self.age.newest_ms
        return [
            f"{self._source}  {self._picture}  {self._rate.per_second:.1f} fps",
            self.age_text if newest is None else f"age {newest:.0f} ms  {self.age_text.removeprefix('age ')}",
            *self.stages.lines,
            f"shown {self.shown}  dropped {self.dropped.total()}  missing {self.gaps.missing}",
        ]

    @property
    def parts(self) -> list[str]:
        """What a line at a terminal says, the most important first."""
        ages = self.age.percentiles_ms()
        return [
            f"{self.status}: {self.notice}" if self.notice else self.status,
            f"{self._rate.per_second:.1f} fps",
            "age -" if ages["p50"] is None else f"age {ages['p50']:.0f} ms{self._precision_text}",
            f"dropped {self.dropped.total()}",
            f"missing {self.gaps.missing}",
            self._clock_text,
            self._picture,
            "" if ages["p50"] is None else f"p95 {ages['p95']:.0f} p99 {ages['p99']:.0f} ms",
            f"shown {self.shown}",
            f"received {self.received}",
            reasons_text(self.dropped),
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the counters, as they are printed in JSON."""
        return {
            "received": self.received,
            "received_bytes": self.received_bytes,
            "shown": self.shown,
            "dropped": dict(self.dropped),
            "missing": self.gaps.missing,
            "repeated": self.gaps.repeated,
            "age_ms": self.age.percentiles_ms(),
            "stages_ms": self.stages.percentiles_ms(),
            "clock_offset_ms": round(self.clock.offset_ns / 1e6, 1),
            "clock_uncertainty_ms": self.clock.uncertainty_ms,
            "jumps": self.session.jumps if self.session else 0,
            "receiver_queue": self.session.receiver_queue if self.session else None,
            "loop_blocked_ms": self.network.longest_block_ms if self.network else None,
            "loop_work_ms": self.network.longest_work_ms if self.network else None,
            "bad_messages": self.session.bad_messages if self.session else 0,
            "reconnects": self.session.reconnects if self.session else 0,
            "recovery_s": self.session.recovery_s if self.session else None,
            "fps": round(self._rate.per_second, 1),
            "source": self._source,
            "picture": self._picture,
            "notice": self.notice,
            "status": self.status,
        }
