"""What the sequence numbers of frames say: which never came, and which came before."""

from __future__ import annotations

from collections.abc import Hashable

from ..frame import Packet

_MOST_SESSIONS = 1000
_MOST_REMEMBERED = 1024  # frames: more than a node that is killed delivers again
_MOST_STREAMS = 100
_MOST_MISSING = 1000


class Gaps:
    """Sequence numbers that never came, and those that came again or too late, per session of a publisher.

    Attributes:
        missing: numbers that never came: frames that the publisher dropped, or that got lost.
        repeated: numbers that were not greater than the one before; without a session, that is a new start.
    """

    def __init__(self) -> None:
        self.missing = 0
        self.repeated = 0
        self._last: dict[Hashable, int] = {}

    def follow(self, packet: Packet) -> None:
        """Note the number of a packet that arrived; one without a number is ignored."""
        if packet.sequence is None:
            return
        last = self._last.pop(packet.stream, None)
        if last is not None and packet.sequence > last:
            self.missing += packet.sequence - last - 1
        elif last is not None and packet.session:
            self.repeated += 1
            self._last[packet.stream] = last
        self._last.setdefault(packet.stream, packet.sequence)
        if len(self._last) > _MOST_SESSIONS:
            self._last.pop(next(iter(self._last)))


class Recent:
    """Knows the last frames that came, by their publisher's session and their number.

    Numbers alone would do, but then one message with an enormous number would keep out all that come after it.
    """

    def __init__(self) -> None:
        self._frames: dict[Hashable, None] = {}

    def has_come(self, packet: Packet) -> bool:
        """Note a packet, and return whether it came before; one without session or number never did."""
        if packet.session is None or packet.sequence is None:
            return False
        frame = (packet.stream, packet.sequence)
        if frame in self._frames:
            return True
        self._frames[frame] = None
        if len(self._frames) > _MOST_REMEMBERED:
            self._frames.pop(next(iter(self._frames)))
        return False


class Repeats:
    """Knows which of all frames have come, by their publisher's session and their number, in bounded memory.

    A number that was skipped may still come late: Pulsar can refuse a frame and take the one behind it. So may one
    below the first that came, to a viewer that comes back: to show a frame twice is better than never.
    """

    def __init__(self) -> None:
        self._streams: dict[Hashable, _Numbers] = {}

    def has_come(self, packet: Packet) -> bool:
        """Note a packet, and return whether it came before; one without session or number never did."""
        if packet.session is None or packet.sequence is None:
            return False
        numbers = self._streams.pop(packet.stream, None) or _Numbers(packet.sequence)
        self._streams[packet.stream] = numbers
        if len(self._streams) > _MOST_STREAMS:
            self._streams.pop(next(iter(self._streams)))
        return numbers.has_come(packet.sequence)


class _Numbers:
    """The numbers of one stream: all up to the last one have come, except those that are missing."""

    def __init__(self, first: int) -> None:
        self._last = first - 1
        self._missing = set(range(max(0, first - _MOST_MISSING), first))

    def has_come(self, number: int) -> bool:
        if number <= self._last:
            is_late = number in self._missing
            self._missing.discard(number)
            return not is_late
        self._missing.update(range(max(self._last + 1, number - _MOST_MISSING), number))
        self._last = number
        if len(self._missing) > _MOST_MISSING:
            self._missing = {each for each in self._missing if each > number - _MOST_MISSING}
        return False
