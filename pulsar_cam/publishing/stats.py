"""What became of the frames of one publisher."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import DecodeError, EncodeError
from ..frame import Packet
from ..measure.counters import Drops, Picture, warn_once
from ..measure.rates import Rate
from ..measure.sessions import LoopState, ProducerState, SourceState
from ..measure.stages import Stages
from ..pulsar.messages.wire import Receipt
from ..pulsar.sessions.in_flight import DISCONNECTED
from .control.setting import Aim

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
    ``rate_lowered`` (the controller chose a lower rate), ``no_viewer`` (with `on_demand`: there were none),
    ``encode_error``, ``rejected`` (Pulsar refused the message), ``unacknowledged`` (the session ended before the
    receipt: Pulsar may have it or not), ``stopped`` (under way when the run ended).

    Stages of a frame's way: ``encode`` (captured to encoded), ``queue`` (encoded to sent) and ``receipt`` (sent to
    acknowledged).

    Args:
        on_receipt: called on the event loop with each frame's packet and what Pulsar answered to it.

    Attributes:
        captured_rate: frames that the source gives.
        published_rate: packets that Pulsar acknowledges.
        published_bytes: their JPEG bytes.
        sent: packets handed to Pulsar.
        dropped: frames left out, by reason.
        stages: where the time of the published frames went.
        aim: quality, scale and rate that are aimed at.
        picture: the newest published frame, in words; None before the first.
        cards: pictures that Pulsar acknowledged and that are not frames: they say why there is none.
        source: what reads the source, once there is one.
        session: the producer, once there is one.
        network: the thread of the event loop, once there is one.
    """

    def __init__(self, on_receipt: Callable[[Packet, Receipt], None] = lambda packet, receipt: None) -> None:
        self.captured_rate = Rate()
        self.published_rate = Rate()
        self.published_bytes = 0
        self.sent = 0
        self.dropped = Drops(REASONS)
        self.stages = Stages("encode", "queue", "receipt")
        self.aim = Aim()
        self.picture: Picture | None = None
        self.cards = 0
        self.source: SourceState | None = None
        self.session: ProducerState | None = None
        self.network: LoopState | None = None
        self._on_receipt = on_receipt

    @property
    def captured(self) -> int:
        """Frames that the source gave."""
        return self.captured_rate.total

    @property
    def published(self) -> int:
        """Packets that Pulsar acknowledged."""
        return self.published_rate.total

    @property
    def fps(self) -> float:
        """Frames published in a second, over the last two."""
        return self.published_rate.per_second

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
        return self.source.trouble if self.source else ""

    @property
    def unready(self) -> str:
        """Why no frames are published now, in a few words; empty while they can be."""
        if self.trouble or not self.session or not self.session.is_connected or self.session.is_stalled:
            return self.trouble or self.status
        return "" if self.captured else "no frame yet"

    @property
    def reason_to_supersede(self) -> str:
        """Why a captured frame has not been taken by the encoder yet."""
        if not self.session or not self.session.is_connected:
            return "disconnected"
        return "in_flight_full" if self.session.is_full else "superseded"

    def drop_unencodable(self, error: EncodeError | DecodeError) -> None:
        """Count a frame that could not become a JPEG; the first one is logged."""
        warn_once(logger, self.dropped.count("encode_error"), "skipped a frame: %s", error)

    def has_sent(self, frames: int | None, under_way: int = 0) -> bool:
        """Return whether that many packets are published or about to be; never, if None."""
        failed = self.dropped["rejected"] + self.dropped["unacknowledged"]
        return frames is not None and self.sent + under_way - failed >= frames

    def settler(self, packet: Packet) -> Callable[[asyncio.Future[Receipt]], None]:
        """Return a callback that counts what the receipt of a packet says."""

        def settle(receipt: asyncio.Future[Receipt]) -> None:
            self._settle(packet, receipt.result())
            self._on_receipt(packet, receipt.result())

        return settle

    def settle_card(self, receipt: asyncio.Future[Receipt]) -> None:
        """Count what the receipt of a card says."""
        self.cards += receipt.result().accepted

    def _settle(self, packet: Packet, receipt: Receipt) -> None:
        if receipt.accepted:
            self.published_rate.count()
            self.published_bytes += len(packet.jpeg)
            self.stages.between("encode", packet.captured_at_ns, packet.encoded_at_ns)
            self.stages.between("queue", packet.encoded_at_ns, receipt.sent_at_ns)
            self.stages.between("receipt", receipt.sent_at_ns, receipt.received_at_ns)
            self.picture = Picture.of(packet)
        elif receipt.problem == DISCONNECTED:
            self.dropped.count("unacknowledged")
        else:
            warn_once(
                logger,
                self.dropped.count("rejected"),
                "Pulsar rejected a frame: %s; look at the node's log",
                receipt.problem,
            )

    @contextlib.contextmanager
    def accounted(self) -> Iterator[None]:
        """Count, when the run ends, the frames that were still under way."""
        try:
            yield
        finally:
            self.dropped.count_stopped(self.captured - self.published - self.dropped.total())

    @property
    def info(self) -> list[str]:
        """Lines for the info overlay."""
        return [
            f"publishing {self.fps:.1f} fps  {self.picture or ''}",
            *self.stages.lines,
            f"published {self.published}  dropped {self.dropped.total()}",
            self.trouble or self.status,
        ]

    @property
    def parts(self) -> list[str]:
        """What a line at a terminal says, the most important first."""
        return [
            f"{self.status}: {self.trouble}" if self.trouble else self.status,
            f"{self.fps:.1f} fps",
            f"published {self.published}",
            f"dropped {self.dropped.total()}",
            str(self.picture or ""),
            self.dropped.reasons_text,
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
                "losses": self.source.losses if self.source else 0,
                "recovery_s": self.source.recovery_s if self.source else None,
                "damaged": self.source.damaged if self.source else 0,
            },
            "bad_messages": self.session.bad_messages if self.session else 0,
            "reconnects": self.session.reconnects if self.session else 0,
            "recovery_s": self.session.recovery_s if self.session else None,
            "in_flight": self.session.in_flight if self.session else 0,
            "window": self.session.window if self.session else None,
            "setting": self.aim.setting.as_dict(),
            "changes": self.aim.changes,
            "stages_ms": self.stages.percentiles_ms(),
            "loop_blocked_ms": self.network.longest_block_ms if self.network else None,
            "loop_work_ms": self.network.longest_work_ms if self.network else None,
            "fps": round(self.fps, 1),
            "picture": str(self.picture or ""),
            "status": self.status,
        }
