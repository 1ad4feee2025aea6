"""What became of the frames of one publisher."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import DecodeError, EncodeError
from ..frame import Packet
from ..measure.rates import Rate, reasons_text
from ..measure.stages import Stages
from ..pulsar.in_flight import DISCONNECTED
from ..pulsar.producer import Producer
from ..pulsar.wire import Receipt
from ..runtime.background import Background
from ..sources.reader import SourceReader
from .setting import Setting

logger = logging.getLogger(__name__)

REASONS = (
    "superseded", "in_flight_full", "disconnected", "rate_lowered", "no_viewer", "encode_error", "rejected",
    "unacknowledged", "stopped",
)  # fmt: skip
"""Why frames are dropped."""


class PublishStats:
    """Counters of one run of `publish`; at its end ``captured`` equals ``published`` plus all of ``dropped``.

    Reasons of drops: ``superseded`` (a newer frame came while the one before was encoded), ``in_flight_full`` (while
    the node owed receipts, or the link was slow to take a message), ``disconnected`` (while there was no session),
    ``rate_lowered`` (the controller chose a lower rate), ``no_viewer`` (nobody watches, and that was to matter),
    ``encode_error``, ``rejected`` (Pulsar refused the message), ``unacknowledged`` (the session ended before the
    receipt: Pulsar may have it or not), ``stopped`` (under way when the run ended).

    Stages of a frame's way: ``encode`` (captured to encoded), ``queue`` (encoded to sent) and ``receipt`` (sent to
    acknowledged).

    Attributes:
        captured: frames that the source gave.
        sent: packets handed to Pulsar.
        published: packets that Pulsar acknowledged.
        published_bytes: their JPEG bytes.
        dropped: frames left out, by reason.
        stages: where the time of the published frames went.
        setting: quality, scale and rate that are aimed at.
        changes: how often they were changed.
        captured_rate: how fast frames come from the source.
        size: width and height of the newest published frame, in pixels; None before the first.
        quality: its JPEG quality, 1 to 100; None if a source made the JPEG.
        cards: pictures that Pulsar acknowledged and that are no frames: they say why there is none.
        reader: what reads the source, once there is one.
        session: the producer, once there is one.
        network: the thread of the event loop, once there is one.
    """

    def __init__(self) -> None:
        self.captured = 0
        self.sent = 0
        self.published = 0
        self.published_bytes = 0
        self.dropped: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.stages = Stages("encode", "queue", "receipt")
        self.setting = Setting(quality=100)
        self.changes = 0
        self.captured_rate = Rate()
        self.cards = 0
        self.reader: SourceReader | None = None
        self.session: Producer | None = None
        self.network: Background | None = None
        self.size: tuple[int, int] | None = None
        self.quality: int | None = None
        self._rate = Rate()
        self._picture = ""

    @property
    def has_begun(self) -> bool:
        """Whether there was a session with Pulsar."""
        return self.session is not None and self.session.has_opened

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        return self.session.status if self.session else "connecting"

    @property
    def trouble(self) -> str:
        """Why the source gives no frames, in a few words; empty while it does."""
        return self.reader.trouble if self.reader else ""

    @property
    def unready(self) -> str:
        """Why no frames are published now, in a few words; empty while they can be."""
        if self.trouble or not self.session or not self.session.is_connected:
            return self.trouble or self.status
        return "" if self.captured else "no frame yet"

    @property
    def fps(self) -> float:
        """Frames published in a second, over the last two."""
        return self._rate.per_second

    @property
    def reason_to_supersede(self) -> str:
        """Why a captured frame has not been taken by the encoder yet."""
        if not self.session or not self.session.is_connected:
            return "disconnected"
        return "in_flight_full" if self.session.is_full else "superseded"

    def drop(self, reason: str) -> None:
        """Count a frame that was left out."""
        with self._counting:  # two threads may drop for the same reason
            self.dropped[reason] += 1

    @property
    def dropped_so_far(self) -> dict[str, int]:
        """Return `dropped`, with 0 for each reason that there was none for; for any thread."""
        with self._counting:
            return {**dict.fromkeys(REASONS, 0), **self.dropped}

    def drop_unencodable(self, error: EncodeError | DecodeError) -> None:
        """Count a frame that could not become a JPEG; the first one is logged."""
        self.drop("encode_error")
        if self.dropped["encode_error"] == 1:
            logger.warning("skipped a frame: %s (said once, counted from here on)", error)

    def has_sent(self, frames: int | None) -> bool:
        """Whether so many packets are published or about to be; never, if None."""
        failed = self.dropped["rejected"] + self.dropped["unacknowledged"]
        return frames is not None and self.sent - failed >= frames

    def settler(self, packet: Packet) -> Callable[[asyncio.Future[Receipt]], None]:
        """Return a callback that counts what the receipt of a packet says."""

        def settle(receipt: asyncio.Future[Receipt]) -> None:
            self._settle(packet, receipt.result())

        return settle

    def settle_card(self, receipt: asyncio.Future[Receipt]) -> None:
        """Count what the receipt of a card says."""
        self.cards += receipt.result().accepted

    def _settle(self, packet: Packet, receipt: Receipt) -> None:
        if receipt.accepted:
            self.published += 1
            self.published_bytes += len(packet.jpeg)
            self._rate.count()
            self.stages.between("encode", packet.captured_at_ns, packet.encoded_at_ns)
            self.stages.between("queue", packet.encoded_at_ns, receipt.sent_at_ns)
            self.stages.between("receipt", receipt.sent_at_ns, receipt.received_at_ns)
            quality = f" q{packet.quality}" if packet.quality else ""
            self._picture = f"{packet.width}x{packet.height}{quality}"
            self.size, self.quality = (packet.width, packet.height), packet.quality
        elif receipt.problem == DISCONNECTED:
            self.drop("unacknowledged")
        else:
            self.drop("rejected")
            if self.dropped["rejected"] == 1:
                logger.warning("Pulsar rejected a frame: %s (said once, counted from here on)", receipt.problem)

    @contextlib.contextmanager
    def accounted(self) -> Iterator[None]:
        """Count, when the run ends, the frames that were still under way."""
        try:
            yield
        finally:
            under_way = self.captured - self.published - self.dropped.total()
            if under_way:
                self.dropped["stopped"] += under_way

    @property
    def info(self) -> list[str]:
        """Lines for the info overlay."""
        return [
            f"publishing {self._rate.per_second:.1f} fps  {self._picture}",
            *self.stages.lines,
            f"published {self.published}  dropped {self.dropped.total()}",
            self.trouble or self.status,
        ]

    @property
    def parts(self) -> list[str]:
        """What a line at a terminal says, the most important first."""
        return [
            f"{self.status}: {self.trouble}" if self.trouble else self.status,
            f"{self._rate.per_second:.1f} fps",
            f"published {self.published}",
            f"dropped {self.dropped.total()}",
            self._picture,
            reasons_text(self.dropped),
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the counters, as they are printed in JSON."""
        return {
            "captured": self.captured,
            "published": self.published,
            "published_bytes": self.published_bytes,
            "dropped": dict(self.dropped),
            "cards": self.cards,
            "camera": {
                "trouble": self.trouble,
                "losses": self.reader.losses if self.reader else 0,
                "recovery_s": self.reader.recovery_s if self.reader else None,
                "damaged": self.reader.damaged if self.reader else 0,
            },
            "bad_messages": self.session.bad_messages if self.session else 0,
            "reconnects": self.session.reconnects if self.session else 0,
            "recovery_s": self.session.recovery_s if self.session else None,
            "in_flight": self.session.in_flight if self.session else 0,
            "window": self.session.window if self.session else None,
            "setting": {
                "quality": self.setting.quality,
                "scale": self.setting.scale,
                "fps": round(self.setting.fps, 1),
            },
            "changes": self.changes,
            "stages_ms": self.stages.percentiles_ms(),
            "loop_blocked_ms": self.network.longest_block_ms if self.network else None,
            "loop_work_ms": self.network.longest_work_ms if self.network else None,
            "fps": round(self._rate.per_second, 1),
            "picture": self._picture,
            "status": self.status,
        }
