"""Encoding and sending what is captured, on the event loop of a publisher; while the camera is lost, cards."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace

from ..errors import DecodeError, EncodeError, PulsarError
from ..frame import Captured, Frame, Packet
from ..pictures.jpeg import decode
from ..pulsar.admin import Admin, Limits, node_limits
from ..pulsar.endpoint import Endpoint
from ..pulsar.producer import Producer
from ..pulsar.topics import Topic
from ..pulsar.wire import max_jpeg_bytes
from ..runtime.in_turn import InTurn
from ..runtime.latest import Latest
from ..sources.reader import SourceReader
from .demand import Demand
from .fit import FittingEncoder
from .following import Following
from .loss_card import LossCard
from .sender import Sender
from .stats import PublishStats
from .steering import Adapt, Steering, Throttle

logger = logging.getLogger(__name__)

_SLOTS = 4
_TAKE_S = 0.1
_DRAIN_S = 10.0
_DEDUPLICATE_TIMEOUT_S = 2.0


class Publishing:
    """Takes frames from the thread that captures, and publishes them on an event loop in another.

    Args:
        quality: JPEG quality, 1 to 100, at most.
        every_frame: whoever offers a frame waits for a place, in place of the newest frame winning, and what was
            not acknowledged is sent again.
        frames: how many to publish; None for all.

    Attributes:
        patience_s: how long the last receipts are waited for once the source has ended, in seconds; can be infinite.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        topic: Topic,
        stats: PublishStats,
        quality: int,
        adapt: Adapt,
        *,
        on_demand: bool,
        follow_monitor: bool,
        every_frame: bool,
        frames: int | None,
    ) -> None:
        self.patience_s = math.inf if every_frame else _DRAIN_S
        self._endpoint, self._topic, self._stats = endpoint, topic, stats
        self._quality, self._adapt, self._on_demand = quality, adapt, on_demand
        self._follow_monitor = follow_monitor
        self._every_frame, self._frames = every_frame, frames
        self._throttle = Throttle()
        self._captured: Latest[Captured] | InTurn[Captured] = InTurn(_SLOTS) if every_frame else Latest()

    def offer(self, captured: Captured) -> None:
        """Hand over a captured frame, and count it."""
        self._stats.captured += 1
        self._stats.captured_rate.count()
        if reason := self._throttle.reason_to_drop():
            self._stats.drop(reason)
        elif self._captured.put(captured):
            self._stats.drop(self._stats.reason_to_supersede)

    def close(self) -> None:
        """Tell that no more frames will be offered."""
        self._captured.close()

    async def run(self, reader: SourceReader) -> None:
        """Have the source read, and publish until it ends or so many frames are published.

        Raises:
            PulsarError: the node cannot be reached, or refuses for a reason that will not pass.
        """
        limits = await node_limits(self._endpoint)
        encoder = FittingEncoder(self._quality, max_jpeg_bytes(limits.text, limits.message))
        async with Producer(self._endpoint, self._topic, resend=self._every_frame) as producer:
            if self._every_frame:
                await _deduplicate(self._endpoint, self._topic)
            self._stats.session, self._stats.setting = producer, encoder.wanted
            async with (
                self._demand() as demand,
                self._following() as following,
                self._steering(producer, encoder, demand, following),
            ):
                if self._stats.network:
                    self._stats.network.forget_blocks()
                reader.begin()
                await self._send_all(producer, encoder, limits, reader)
            await asyncio.to_thread(reader.end)  # letting go of a device or a stream can take its time
            await producer.drain(self.patience_s)

    def _demand(self) -> AbstractAsyncContextManager[Demand | None]:
        if self._adapt is Adapt.OFF and not self._on_demand:
            return nullcontext()
        return Demand(self._endpoint, self._topic, on_demand=self._on_demand)

    def _following(self) -> AbstractAsyncContextManager[Following | None]:
        return Following(self._endpoint, self._topic) if self._follow_monitor else nullcontext()

    def _steering(
        self, producer: Producer, encoder: FittingEncoder, demand: Demand | None, following: Following | None
    ) -> Steering:
        return Steering(
            producer, encoder, self._throttle, self._stats, self._quality,
            adapt=self._adapt, demand=demand, on_demand=self._on_demand, following=following,
        )  # fmt: skip

    async def _send_all(
        self, producer: Producer, encoder: FittingEncoder, limits: Limits, reader: SourceReader
    ) -> None:
        card = LossCard()
        async with Sender(producer, self._stats, every_frame=self._every_frame) as sender:
            while not self._captured.is_drained and not await self._is_done(sender):
                await producer.room()
                if producer.text_limit:  # learned from a node whose admin API did not tell
                    encoder.max_bytes = max_jpeg_bytes(producer.text_limit, limits.message)
                packet = await asyncio.to_thread(self._encode_next, encoder)
                if packet:
                    card.last = packet
                    await sender.begin(packet)
                elif reader.trouble and not producer.is_full:
                    await self._send_card(card, reader, producer, encoder.max_bytes)
            await sender.finish(self.patience_s)

    async def _is_done(self, sender: Sender) -> bool:
        """Tell whether so many frames are published; a message that failed makes room for another."""
        if self._stats.has_sent(self._frames):
            await sender.finish(self.patience_s)
        return self._stats.has_sent(self._frames)

    async def _send_card(self, card: LossCard, reader: SourceReader, producer: Producer, max_bytes: int) -> None:
        packet = await asyncio.to_thread(card.due, reader.trouble, reader.name, max_bytes)
        if packet:
            (await producer.send(packet)).add_done_callback(self._stats.settle_card)

    def _encode_next(self, encoder: FittingEncoder) -> Packet | None:
        captured = self._captured.take(_TAKE_S)
        try:
            return _encoded(captured, encoder) if captured else None
        except (EncodeError, DecodeError) as error:
            self._stats.drop_unencodable(error)
            return None


def _encoded(captured: Captured, encoder: FittingEncoder) -> Packet:
    if isinstance(captured, Frame):
        return encoder.encode(captured)
    if encoder.takes(captured):
        return replace(captured, encoded_at_ns=time.time_ns())
    return encoder.encode(decode(captured))


async def _deduplicate(endpoint: Endpoint, topic: Topic) -> None:
    try:
        async with Admin(endpoint, _DEDUPLICATE_TIMEOUT_S) as admin:
            await admin.deduplicate(topic)
    except PulsarError as error:
        logger.info("a frame that is sent again can be on the topic twice, which viewers notice: %s", error)
