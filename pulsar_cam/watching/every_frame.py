"""Watching every frame: each once and in order, acknowledged only when it was shown."""

from __future__ import annotations

import asyncio
import contextlib
import time

from ..errors import DecodeError
from ..frame import Frame, Packet
from ..measure.clocks import ClockOffset
from ..measure.sequence import Repeats
from ..pulsar.messages.wire import packet_of
from ..pulsar.sessions.consumer import Consumer
from ..pulsar.sessions.in_flight import MOST_IN_FLIGHT
from ..pulsar.sessions.silence import Silence
from ..runtime.alongside import alongside
from ..runtime.background import forget_blocks
from ..runtime.handoff import InTurn
from .plan import WatchPlan
from .stats import WatchStats

_SLOTS = MOST_IN_FLIGHT  # no node pushes more ahead of our acks, so reading never waits, and pongs are read
PAUSE_S = 0.01


class EveryFrame:
    """Receives for a viewer in another thread, which says when it is done with each packet.

    A node delivers again what was not acknowledged, and a publisher sends again what it got no receipt for. Such
    repetitions are dropped, so a frame is shown once. A viewer that dies between the two is shown it again when it
    comes back.
    """

    def __init__(self, consumer: Consumer, plan: WatchPlan, stats: WatchStats) -> None:
        self._consumer, self._plan, self._stats = consumer, plan, stats
        self._packets = InTurn[Packet](_SLOTS)
        self._repeats = Repeats()
        self._unacknowledged: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._acks: set[asyncio.Task[None]] = set()

    async def receive(self) -> None:
        """Receive until enough frames have come, or without end, and return when the last one is acknowledged.

        Raises:
            PulsarError: the node cannot be reached, or refuses for a reason that will not pass.
        """
        self._loop = asyncio.get_running_loop()
        try:
            async with self._consumer, alongside(Silence(self._consumer).run()):
                forget_blocks()  # before the first frame, they delay nothing
                self._stats.ages.clock = ClockOffset(lags=True)
                await self._hand_over()
                self._packets.close()
                while self._unacknowledged:  # noqa: ASYNC110 - the viewer says so from another thread
                    await asyncio.sleep(PAUSE_S)
        finally:
            self._packets.close()

    def next(self, timeout_s: float, *, is_paused: bool) -> Packet | None:
        """Wait for the next packet in order; None after that time, and during a pause, in which it waits."""
        if is_paused:
            time.sleep(timeout_s)
            return None
        return self._packets.take(timeout_s)

    def done(self, shown: Packet | Frame) -> None:
        """Have the message acknowledged that was shown, or that never can be; without effect after the end."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the node delivers it again to the next viewer
            if self._loop:
                self._loop.call_soon_threadsafe(self._begin_ack, shown)

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits, and nothing more will come."""
        return self._packets.is_drained

    def _begin_ack(self, shown: Packet | Frame) -> None:
        ack = asyncio.ensure_future(self._acknowledge(shown))
        self._acks.add(ack)
        ack.add_done_callback(self._acks.discard)

    async def _acknowledge(self, shown: Packet | Frame) -> None:
        try:
            await self._consumer.ack(shown)
        finally:  # whatever happens to the ack, the end of the run must not wait for it for ever
            self._unacknowledged.discard(shown.message_id)

    async def _hand_over(self) -> None:
        async for delivery in self._consumer:
            self._stats.arrived(delivery)
            if delivery.unusable:
                self._stats.drop_unusable(delivery)
                await self._consumer.ack(delivery)
                continue
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
            while not self._packets.has_room:  # noqa: ASYNC110 - the viewer takes in another thread
                await asyncio.sleep(PAUSE_S)
            self._unacknowledged.add(packet.message_id)
            self._packets.put(packet)
            if self._stats.images == self._plan.frames:
                return

    async def _drop_repetition(self, packet: Packet) -> None:
        self._stats.dropped.count("repeated")
        if packet.message_id not in self._unacknowledged:
            await self._consumer.ack(packet)
