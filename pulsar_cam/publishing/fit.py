"""JPEGs that fit the node: a frame that is too big is encoded again at a lower rung of quality and size.

How big a rung makes a frame is predicted from the last packet, so that a source which is always too heavy costs one
encode per frame: the rung stays where the last frame fitted. When frames get lighter it goes back up, one rung a
second, as soon as the rung above would fit with room to spare. A rung above that did not fit after all is left alone
for longer and longer.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import cast

from ..errors import EncodeError
from ..frame import Frame, Image, Packet
from ..pictures.jpeg import encode
from ..pictures.opencv import cv2
from ..pulsar.messages.extra import extra_bytes
from .control.setting import Setting, ladder

logger = logging.getLogger(__name__)

_WORST = Setting(quality=40, scale=0.1)
# Frames differ: one that fills the limit by prediction would be too big every second time.
_FULL_WHEN_LOWERING = 0.9
_FULL_WHEN_RAISING = 0.8
_PATIENCE_NS = 1_000_000_000
_MOST_PATIENCE_NS = 64 * _PATIENCE_NS


class FittingEncoder:
    """Encodes frames to JPEGs of at most `max_bytes`, at the wanted quality and scale or as near as fits.

    Attributes:
        wanted: quality and scale to encode with; may be changed at any time, also from another thread.
        max_bytes: the largest JPEG; may be changed at any time, also from another thread.
    """

    def __init__(self, quality: int, max_bytes: int) -> None:
        self.wanted = self._best = Setting(quality)
        self.max_bytes = max_bytes
        self._rungs = _rungs(self.wanted)
        self._rung = 0
        self._bytes_per_weight = 0.0
        self._changed_at_ns = 0
        self._patience_ns = _PATIENCE_NS
        self._is_trying = False
        self._told: Setting | None = None
        self._has_warned = False

    @property
    def quality(self) -> int:
        """JPEG quality, 1 to 100, as it is now."""
        return self._rungs[self._rung].quality

    @property
    def scale(self) -> float:
        """Factor on width and height, as it is now; 1.0 leaves the size alone."""
        return self._rungs[self._rung].scale

    def takes(self, packet: Packet) -> bool:
        """Return whether a JPEG from elsewhere may go as it is: it fits, and the best is wanted."""
        return len(packet.jpeg) + extra_bytes(packet.extra) <= self.max_bytes and _is_alike(self.wanted, self._best)

    def encode(self, frame: Frame) -> Packet:
        """Encode a frame of shape (height, width, 3), ``uint8``, BGR; its packet has the size that was sent.

        Raises:
            EncodeError: the image is not one that JPEG can hold, or it fits at no quality and size.
        """
        self._follow_wanted()
        self._try_higher(frame)
        packet = self._encode(frame)
        while len(packet.jpeg) + extra_bytes(packet.extra) > self.max_bytes:
            self._lower(frame)
            packet = self._encode(frame)
        if self._is_trying:
            self._is_trying, self._patience_ns = False, _PATIENCE_NS
        self._tell(packet)
        return packet

    def _follow_wanted(self) -> None:
        wanted = self.wanted
        if not _is_alike(wanted, self._rungs[0]):
            self._rungs = _rungs(wanted)
            self._rung = self._fitting_rung()

    def _try_higher(self, frame: Frame) -> None:
        if not self._rung or self._predicted(self._rung - 1) > _FULL_WHEN_RAISING * self.max_bytes:
            return
        # Either way, because a clock that was set back would forbid it for long.
        if abs(frame.captured_at_ns - self._changed_at_ns) >= self._patience_ns:
            self._rung -= 1
            self._changed_at_ns = frame.captured_at_ns
            self._is_trying = True

    def _lower(self, frame: Frame) -> None:
        if self._rung == len(self._rungs) - 1:
            raise EncodeError(
                f"frame {frame.sequence} is beyond the node's limit of {self.max_bytes} bytes "
                "at every quality and size; raise webSocketMaxTextFrameSize there"
            )
        self._rung = max(self._rung + 1, self._fitting_rung())
        self._changed_at_ns = frame.captured_at_ns
        if self._is_trying:
            self._is_trying, self._patience_ns = False, min(self._patience_ns * 2, _MOST_PATIENCE_NS)

    def _fitting_rung(self) -> int:
        for rung in range(len(self._rungs)):
            if self._predicted(rung) <= _FULL_WHEN_LOWERING * self.max_bytes:
                return rung
        return len(self._rungs) - 1

    def _predicted(self, rung: int) -> float:
        return self._bytes_per_weight * self._rungs[rung].weight

    def _encode(self, frame: Frame) -> Packet:
        packet = encode(_scaled(frame, self.scale), self.quality)
        self._bytes_per_weight = len(packet.jpeg) / self._rungs[self._rung].weight
        return packet

    def _tell(self, packet: Packet) -> None:
        lowered_to = self._rungs[self._rung] if self._rung else None
        if lowered_to == self._told:
            return
        self._told = lowered_to
        now = f"quality {self.quality} and {packet.width}x{packet.height}"
        if lowered_to is None:
            logger.info("frames fit the node's limit of %d kB again at %s", self.max_bytes // 1000, now)
        elif self._has_warned:
            logger.info("to fit the node's limit of %d kB: %s", self.max_bytes // 1000, now)
        else:
            self._has_warned = True
            logger.warning(
                "a frame does not fit the node's limit of %d kB: lowered to %s", self.max_bytes // 1000, now
            )


def _rungs(wanted: Setting) -> list[Setting]:
    """Return what to try from the wanted setting down; its rate does not matter here."""
    return ladder(wanted, replace(_WORST, fps=wanted.fps))


def _is_alike(one: Setting, other: Setting) -> bool:
    return (one.quality, one.scale) == (other.quality, other.scale)


def _scaled(frame: Frame, scale: float) -> Frame:
    if scale == 1.0:
        return frame
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    return replace(frame, image=cast(Image, cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)))
