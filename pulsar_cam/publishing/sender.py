"""Sends one packet while the next one is encoded, so that neither waits for the other."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

from ..frame import Packet
from ..pulsar.sessions.producer import Producer
from .stats import PublishStats

_STALE_NS = 500_000_000


class Sender:
    """Hands packets to a producer one after the other, as an async context manager.

    A packet that had to wait for more than half a second is dropped, because there are newer ones by then, unless
    every frame counts.
    """

    def __init__(self, producer: Producer, stats: PublishStats, *, every_frame: bool = False) -> None:
        self._producer, self._stats = producer, stats
        self._may_drop = not every_frame
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sending:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    async def begin(self, packet: Packet) -> None:
        """Send a packet as soon as the one before it is sent; return when it is this one's turn.

        Raises:
            PulsarError: the session ended for a reason that will not pass.
        """
        why_it_waits = self._stats.reason_to_supersede
        await self._end()
        self._sending = asyncio.create_task(self._send(packet, why_it_waits))

    @property
    def under_way(self) -> int:
        """How many packets were begun and are not sent yet."""
        return int(self._sending is not None and not self._sending.done())

    async def finish(self, timeout_s: float) -> None:
        """Wait until all is sent and has its receipt, for the receipts no longer than that.

        Raises:
            PulsarError: the session ended for a reason that will not pass.
        """
        await self._end()
        await self._producer.drain(timeout_s)
        self._producer.raise_if_ended()

    async def _end(self) -> None:
        if self._sending:
            sending, self._sending = self._sending, None
            await sending

    async def _send(self, packet: Packet, why_it_waits: str) -> None:
        await self._producer.room()
        if self._may_drop and packet.encoded_at_ns and time.time_ns() - packet.encoded_at_ns > _STALE_NS:
            self._stats.dropped.count(why_it_waits)
            return
        receipt = await self._producer.send(packet)
        self._stats.sent += 1
        receipt.add_done_callback(self._stats.settler(packet))
