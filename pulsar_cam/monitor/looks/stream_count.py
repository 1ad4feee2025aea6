"""What came of the real stream: its frames, their ages and gaps, and what its publisher says instead of frames."""

from __future__ import annotations

import time

from ...errors import DecodeError
from ...measure.clocks import ClockOffset
from ...measure.counters import Notice, Picture
from ...measure.sequence import Gaps
from ...measure.stages import Durations
from ...pulsar.messages.wire import Delivery, packet_of
from ..view import StreamView

_MOST_AGES = 1024


class StreamCount:
    """Counts deliveries, none of which it decodes."""

    def __init__(self) -> None:
        self._clock, self._gaps = ClockOffset(), Gaps()
        self._frames = self._seen_frames = 0
        self._bytes = self._seen_bytes = 0
        self._ages = Durations(_MOST_AGES)
        self._notice = Notice()
        self._picture: Picture | None = None
        self._looked_at_s = self._last_at_s = time.monotonic()

    def begin(self) -> None:
        """Note that deliveries may come from now on: before that, none was missed."""
        self._last_at_s = time.monotonic()

    def take(self, delivery: Delivery, ping_ns: int | None) -> None:
        """Count a delivery; what is not a frame of ours is left out.

        Args:
            ping_ns: the longest of the last pings to the node; None if it is not known.
        """
        try:
            packet = packet_of(delivery)
        except DecodeError:
            return
        self._notice.hear(packet)
        if packet.notice:
            return
        self._frames += 1
        self._bytes += len(packet.jpeg)
        self._last_at_s = time.monotonic()
        self._gaps.follow(packet)
        self._clock.observe(packet, ping_ns)
        self._ages.add(max(0, delivery.received_at_ns - self._clock.offset_ns - packet.captured_at_ns))
        self._picture = Picture.of(packet)

    def view(self) -> StreamView:
        """Return what came since the last call."""
        now_s = time.monotonic()
        passed_s = max(0.001, now_s - self._looked_at_s)
        ages, self._ages = self._ages, Durations(_MOST_AGES)
        frames, size = self._frames - self._seen_frames, self._bytes - self._seen_bytes
        self._looked_at_s, self._seen_frames, self._seen_bytes = now_s, self._frames, self._bytes
        return StreamView(
            fps=round(frames / passed_s, 1),
            bytes_per_s=round(size / passed_s, 1),
            age_ms=ages.percentiles_ms(),
            picture=str(self._picture or ""),
            frames=self._frames,
            missing=self._gaps.missing,
            repeated=self._gaps.repeated,
            notice=str(self._notice),
            silent_s=round(now_s - self._last_at_s, 1),
        )
