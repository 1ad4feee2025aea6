"""Watching every frame: each once and in order, acknowledged only when it was shown."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from ..errors import DecodeError
from ..frame import Packet
from ..measure.clocks import ClockOffset
from ..pulsar.consumer import Consumer
from ..pulsar.in_flight import MOST_IN_FLIGHT
from ..pulsar.wire import packet_of
from ..runtime.in_turn import InTurn
from .stats import WatchStats

_SLOTS = MOST_IN_FLIGHT  # no node pushes more ahead of our acks, so reading never waits, and pongs are read
_PAUSE_S = 0.01
_MOST_STREAMS = 100
_MOST_MISSING = 1000


class EveryFrame:
    """Receives for a viewer in another thread, which takes the packets from `packets` and says when each is done.

    A node delivers again what was not acknowledged, and a publisher sends again what it got no receipt for. Such
    repetitions are dropped, so a frame is shown once. A viewer that dies between the two is shown it again when it
    comes back.

    Attributes:
        packets: those that wait for the viewer.
    """

    def __init__(self, consumer: Consumer, stats: WatchStats) -> None:
        self.packets = InTurn[Packet](_SLOTS)
        self._consumer, self._stats = consumer, stats
        self._repeats = Repeats()
        self._unacknowledged: set[str] = set()

    async def receive(self, frames: int | None) -> None:
        """Receive so many frames, or without end, and return when the last one is acknowledged.

        Raises:
            PulsarError: the node cannot be reached, or refuses for a reason that will not pass.
        """
        try:
            async with self._consumer:
                if self._stats.network:
                    self._stats.network.forget_blocks()
                self._stats.clock = ClockOffset(lags=True)
                await self._hand_over(frames)
                self.packets.close()
                while self._unacknowledged:  # noqa: ASYNC110 - the viewer tells from another thread
                    await asyncio.sleep(_PAUSE_S)
        finally:
            self.packets.close()

    async def acknowledge(self, packet: Packet) -> None:
        """Acknowledge a packet that was shown, or that never can be."""
        try:
            await self._consumer.ack(packet)
        finally:  # whatever happens to the ack, the end of the run must not wait for it for ever
            self._unacknowledged.discard(packet.message_id)

    async def _hand_over(self, frames: int | None) -> None:
        async for delivery in self._consumer:
            self._stats.arrived(delivery)
            try:
                packet = packet_of(delivery)
            except DecodeError as error:
                self._stats.drop_unreadable(error)
                await self._consumer.ack(delivery)
                continue
            if packet.notice:
                self._stats.drop_card(packet)
                await self._consumer.ack(packet)
                continue
            if self._repeats.has_come(packet):
                await self._drop_repetition(packet)
                continue
            self._stats.follow(packet)
            while not self.packets.has_room:  # noqa: ASYNC110 - the viewer takes in another thread
                await asyncio.sleep(_PAUSE_S)
            self._unacknowledged.add(packet.message_id)
            self.packets.put(packet)
            if self._stats.images == frames:
                return

    async def _drop_repetition(self, packet: Packet) -> None:
        self._stats.drop("repeated")
        if packet.message_id not in self._unacknowledged:
            await self._consumer.ack(packet)


class Repeats:
    """Knows which frames have come, by their publisher's session and their number, in bounded memory.

    A number that was skipped may still come late: Pulsar can refuse a frame and take the one behind it. So may one
    below the first that came, to a viewer that comes back: to show a frame twice is better than never.
    """

    def __init__(self) -> None:
        self._streams: dict[Hashable, _Numbers] = {}

    def has_come(self, packet: Packet) -> bool:
        """Note a packet, and tell whether it came before; one without session or number never did."""
        if packet.session is None or packet.sequence is None:
            return False
        stream = (packet.source, packet.session)
        numbers = self._streams.pop(stream, None) or _Numbers(packet.sequence)
        self._streams[stream] = numbers
        if len(self._streams) > _MOST_STREAMS:
            self._streams.pop(next(iter(self._streams)))
        return numbers.has_come(packet.sequence)


class _Numbers:
    """The numbers of one stream: all up to the last one have come, but for those that are missing."""

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
