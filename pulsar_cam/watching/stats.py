"""What became of the messages of one viewer."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Iterator
from typing import Any

from ..errors import DecodeError
from ..frame import Packet
from ..measure.ages import Ages
from ..measure.counters import Drops, Notice, Picture, warn_once
from ..measure.rates import Rate
from ..measure.sequence import Gaps
from ..measure.sessions import ConsumerState, LoopState
from ..measure.stages import Stages
from ..pulsar.messages.wire import ENCRYPTED, MAX_TEXT_BYTES, TOO_LARGE, Delivery
from ..pulsar.topics import Topic

logger = logging.getLogger(__name__)

REASONS = (
    "superseded", "too_old", "not_a_frame", "repeated", "too_large", "encrypted", "other_publisher", "notice",
    "paused", "stopped",
)  # fmt: skip
"""Why messages are dropped."""

_UNUSABLE = {
    TOO_LARGE: f"skipped a message of more than {MAX_TEXT_BYTES >> 20} MiB; check what else publishes there",
    ENCRYPTED: "skipped a message that its publisher encrypted; publish to this topic without encryption",
}

_QUIET_AFTER_S = 2.0


class WatchStats:
    """Counters of one run of `watch`; at its end ``received`` equals ``shown`` plus all of ``dropped``.

    Reasons of drops: ``superseded`` (a newer frame came while the one before was decoded), ``too_old`` (past the age
    limit), ``not_a_frame`` (no JPEG, a damaged one, or one too large to be safe), ``repeated`` (it came before),
    ``too_large`` (more than 16 MiB as text; it is not read), ``encrypted`` (end to end, for those who have the key),
    ``other_publisher`` (of several on the topic, one is shown), ``notice`` (a card, with which the publisher says why
    it has no picture), ``paused``, ``stopped`` (under way when the run ended).

    Stages of a frame's way: ``encode`` (captured to encoded), ``queue`` (encoded to sent), ``transport`` (sent to
    delivered, through the node), ``decode`` (delivered to decoded) and ``show``. ``transport`` and the age compare
    the publisher's clock with this machine's.

    Attributes:
        received: messages that arrived; each was acknowledged.
        received_bytes: their payloads.
        image_rate: those of them that look like a JPEG.
        shown_rate: frames that are decoded and shown.
        dropped: messages left out, by reason.
        gaps: what the sequence numbers show.
        ages: how old frames are when they are shown, and how old they may be.
        stages: where that time went.
        picture: the frame on show, in words; None before the first.
        notice: why the publisher has no pictures, in its words; empty since one came, or when it says so no more.
        session: the consumer, once there is one.
        network: the thread of the event loop, once there is one.
    """

    def __init__(self) -> None:
        self.received = 0
        self.received_bytes = 0
        self.image_rate = Rate()
        self.shown_rate = Rate()
        self.dropped = Drops(REASONS)
        self.gaps = Gaps()
        self.ages = Ages()
        self.stages = Stages("encode", "queue", "transport", "decode", "show")
        self.picture: Picture | None = None
        self.notice = Notice()
        self.session: ConsumerState | None = None
        self.network: LoopState | None = None

    @property
    def images(self) -> int:
        """Messages that arrived and look like a JPEG."""
        return self.image_rate.total

    @property
    def shown(self) -> int:
        """Frames that were decoded and shown."""
        return self.shown_rate.total

    @property
    def fps(self) -> float:
        """Frames shown in a second, over the last two."""
        return self.shown_rate.per_second

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
        can_arrive = self.session and self.session.is_connected and not self.session.is_stalled
        return "" if can_arrive else self.status

    def arrived(self, delivery: Delivery) -> None:
        """Count a message."""
        self.received += 1
        self.received_bytes += len(delivery.payload)

    def follow(self, packet: Packet) -> None:
        """Count a message that looks like a picture, and measure its way to here."""
        self.image_rate.count()
        self.notice.hear(packet)
        self.gaps.follow(packet)
        self.ages.clock.observe(packet, self._longest_ping_ns)
        self.stages.between("encode", packet.captured_at_ns if packet.encoded_at_ns else None, packet.encoded_at_ns)
        self.stages.between("queue", packet.encoded_at_ns, packet.sent_at_ns)
        self.stages.between("transport", packet.sent_at_ns, self.ages.by_publisher_ns(packet.delivered_at_ns))

    @property
    def _longest_ping_ns(self) -> int | None:
        pings_s = self.session.pings_s if self.session else ()
        return round(max(pings_s) * 1e9) if pings_s else None

    def show(self, packet: Packet, decoded_at_ns: int) -> None:
        """Count a frame that is on show now, and was decoded at that Unix time, in nanoseconds."""
        self.shown_rate.count()
        self.ages.show(packet)
        self.stages.between("decode", packet.delivered_at_ns, decoded_at_ns)
        self.stages.between("show", decoded_at_ns, time.time_ns())
        self.picture = Picture.of(packet)

    def drop_unusable(self, delivery: Delivery) -> None:
        """Count a message whose payload is of no use; the first one for each reason is logged."""
        warn_once(logger, self.dropped.count(delivery.unusable), _UNUSABLE[delivery.unusable])

    def drop_card(self, packet: Packet) -> None:
        """Count a message that is not a frame, but says why there is none."""
        self.dropped.count("notice")
        self.notice.hear(packet)

    def drop_unreadable(self, error: DecodeError) -> None:
        """Count a message that is not a frame; the first one is logged."""
        warn_once(
            logger, self.dropped.count("not_a_frame"), "skipped a message: %s; check what else publishes there", error
        )

    @contextlib.contextmanager
    def accounted(self) -> Iterator[None]:
        """Count, when the run ends, the messages that were still under way."""
        try:
            yield
        finally:
            self.dropped.count_stopped(self.received - self.shown - self.dropped.total())

    @property
    def is_live(self) -> bool:
        """Whether a frame was shown within the last two seconds."""
        return self.shown_rate.quiet_s < _QUIET_AFTER_S

    def waiting_for(self, topic: Topic) -> str:
        """Return why there is no picture, as a sentence for a person."""
        if self.status != "connected":
            return self.status
        if notice := str(self.notice):
            return notice
        quiet_s = self.image_rate.quiet_s
        if quiet_s == math.inf:
            return f"waiting for frames on {topic.name}"
        if quiet_s < _QUIET_AFTER_S and self.dropped["too_old"]:
            return f"frames are older than {self.ages.limit_ms:.0f} ms when they arrive (see `max_age_ms`)"
        return f"no frames on {topic.name} for {quiet_s:.0f} s"

    @property
    def info(self) -> list[str]:
        """Lines for the info overlay."""
        newest_ms, ages = self.ages.newest_ms, self.ages.text
        return [
            f"{self._source}  {self.picture or ''}  {self.fps:.1f} fps",
            ages if newest_ms is None else f"age {newest_ms:.0f} ms  {ages.removeprefix('age ')}",
            *self.stages.lines,
            f"shown {self.shown}  dropped {self.dropped.total()}  missing {self.gaps.missing}",
        ]

    @property
    def _source(self) -> str:
        return self.picture.source if self.picture else ""

    @property
    def parts(self) -> list[str]:
        """What a line at a terminal says, the most important first."""
        ages, notice = self.ages.shown.percentiles_ms(), str(self.notice)
        return [
            f"{self.status}: {notice}" if notice else self.status,
            f"{self.fps:.1f} fps",
            "age -" if ages["p50"] is None else f"age {ages['p50']:.0f} ms{self.ages.precision_text}",
            f"dropped {self.dropped.total()}",
            f"missing {self.gaps.missing}",
            self.ages.clock_text,
            str(self.picture or ""),
            "" if ages["p50"] is None else f"p95 {ages['p95']:.0f} p99 {ages['p99']:.0f} ms",
            f"shown {self.shown}",
            f"received {self.received}",
            self.dropped.reasons_text,
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
            **self.ages.as_dict(),
            "stages_ms": self.stages.percentiles_ms(),
            "jumps": self.session.jumps if self.session else 0,
            "receiver_queue": self.session.receiver_queue if self.session else None,
            "loop_blocked_ms": self.network.longest_block_ms if self.network else None,
            "loop_work_ms": self.network.longest_work_ms if self.network else None,
            "bad_messages": self.session.bad_messages if self.session else 0,
            "reconnects": self.session.reconnects if self.session else 0,
            "recovery_s": self.session.recovery_s if self.session else None,
            "fps": round(self.fps, 1),
            "source": self._source,
            "picture": str(self.picture or ""),
            "notice": str(self.notice),
            "status": self.status,
        }
