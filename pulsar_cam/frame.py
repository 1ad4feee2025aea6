"""The two values that travel: a frame is a decoded image, a packet is an encoded one."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""``uint8`` array of shape (height, width, 3), channels in the order blue, green, red (BGR)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded image and where it comes from.

    Attributes:
        image: ``uint8`` array, shape (height, width, 3), BGR.
        captured_at_ns: when it was captured, Unix time in nanoseconds, by the clock of the machine with the source.
        sequence: counts the captured frames of one session from 0; None if its publisher did not say.
        source: the name of its source; empty if its publisher did not say.
        extra: what else its publisher says, text by name; goes along when it is encoded or was decoded.
        message_id: Pulsar's name for the message that brought it, in base64; empty if none did.
    """

    image: Image
    captured_at_ns: int
    sequence: int | None = None
    source: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    message_id: str = ""

    @property
    def age_ms(self) -> float:
        """How old it is now, in milliseconds, by this machine's clock and its publisher's; never below 0."""
        return max(0, time.time_ns() - self.captured_at_ns) / 1e6

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.image.shape[0])


@dataclass(frozen=True, slots=True)
class Packet:
    """An encoded frame: a JPEG with its metadata and clock readings.

    Clock readings are Unix times in nanoseconds. Those of the publisher's clock are ``captured_at_ns``,
    ``encoded_at_ns`` and ``sent_at_ns``; ``delivered_at_ns`` is of the clock of the machine that received it.
    A packet from a publisher that gives no metadata has None in the optional fields, and Pulsar's publish time as
    ``captured_at_ns``.

    Attributes:
        session: of one run of a publisher of this project, random; None for other publishers, whatever they call so.
        quality: what it was encoded with, 1 to 100; None for a camera's own JPEG, which does not say.
        receipt_ns: the publisher's shortest recent time from sending a message to its receipt.
        message_id: Pulsar's name for the message that brought it, in base64; empty if none did.
        notice: why there is no frame, where this is a card that says so; empty for a frame.
        key: what places it on a partitioned topic and among the consumers of a Key_Shared subscription; empty for the
            source's name.
        published_at_ns: when Pulsar took it, by the clock of its node; None before that.
        extra: properties that are not this project's, text by name; at most 32, of 4 KiB together. One with a name of
            ours is not sent.
    """

    jpeg: bytes
    width: int
    height: int
    captured_at_ns: int
    source: str = ""
    session: str | None = None
    sequence: int | None = None
    quality: int | None = None
    encoded_at_ns: int | None = None
    sent_at_ns: int | None = None
    receipt_ns: int | None = None
    delivered_at_ns: int | None = None
    message_id: str = ""
    notice: str = ""
    key: str = ""
    published_at_ns: int | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def stream(self) -> Hashable:
        """Whose packet it is: packets of one run of one source have an equal one, and so have all of strangers.

        A stranger's key or name says nothing of that: it may be another one in every message.
        """
        return (self.source, self.session) if self.session else None


Captured: TypeAlias = Frame | Packet
"""What a source gives: a frame, or a packet where a camera or a film has JPEGs already."""
