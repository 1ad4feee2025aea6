"""Encoding and sending what is captured, on the event loop of a publisher; while the camera is lost, cards."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol

from ..errors import DecodeError, EncodeError, PulsarError
from ..frame import Captured, Frame, Packet
from ..pictures.jpeg import decode
from ..pulsar.admin.admin import Admin, Limits, node_limits
from ..pulsar.endpoint import Endpoint
from ..pulsar.messages.wire import max_jpeg_bytes
from ..pulsar.sessions.producer import Producer
from ..pulsar.topics import Topic
from ..runtime.alongside import alongside
from ..runtime.background import forget_blocks
from .control.demand import Demand
from .control.following import Following
from .fit import FittingEncoder
from .gauge import Gauge
from .intake import Intake
from .loss_card import LossCard
from .plan import PublishPlan
from .sender import Sender
from .stats import PublishStats
from .steering import Steering

logger = logging.getLogger(__name__)

_TAKE_S = 0.1
DRAIN_S = 10.0
_DEDUPLICATE_TIMEOUT_S = 2.0


class Feed(Protocol):
    """What fills the intake, as far as a publisher has to do with it; `SourceReader` is one.

    Attributes:
        name: of the source.
        trouble: why there are no frames now, in a few words; empty while there are.
    """

    @property
    def name(self) -> str: ...

    @property
    def trouble(self) -> str: ...

    def begin(self) -> None:
        """Give frames from now on."""

    def end(self) -> None:
        """Give no more."""


class Encoding:
    """Takes frames from the intake, and publishes them.

    Args:
        producer: not open yet.

    Attributes:
        patience_s: how long the last receipts are waited for once the source has ended, in seconds; can be infinite.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        topic: Topic,
        plan: PublishPlan,
        producer: Producer,
        intake: Intake,
        stats: PublishStats,
    ) -> None:
        self.patience_s = math.inf if plan.every_frame else DRAIN_S
        self._endpoint, self._topic, self._plan = endpoint, topic, plan
        self._producer, self._intake, self._stats = producer, intake, stats
        self._card = LossCard()

    async def run(self, feed: Feed) -> None:
        """Have the source give frames, and publish until it ends or enough are published.

        Raises:
            PulsarError: the node cannot be reached, or refuses for a reason that will not pass.
        """
        limits = await node_limits(self._endpoint)
        encoder = FittingEncoder(self._plan.quality, max_jpeg_bytes(limits.text, limits.message))
        self._stats.aim.setting = encoder.wanted
        async with self._producer as producer:
            if self._plan.every_frame:
                await _deduplicate(self._endpoint, self._topic)
            async with self._steered(encoder):
                forget_blocks()  # before the first frame, they delay nothing
                feed.begin()
                await self._send_all(encoder, limits, feed)
            await asyncio.to_thread(feed.end)  # letting go of a device or a stream can take its time
            await producer.drain(self.patience_s)

    @contextlib.asynccontextmanager
    async def _steered(self, encoder: FittingEncoder) -> AsyncIterator[None]:
        plan = self._plan
        demand = Demand(self._endpoint, self._topic, on_demand=plan.on_demand) if plan.asks_who_watches else None
        following = Following(self._endpoint, self._topic) if plan.follow_monitor else None
        gauge = Gauge(self._producer, self._stats, demand, following)
        steering = Steering(plan, gauge, encoder, self._intake.throttle, self._stats, demand)
        async with contextlib.AsyncExitStack() as stack:
            for each in (demand, following, steering):
                if each:
                    await stack.enter_async_context(alongside(each.run()))
            yield

    async def _send_all(self, encoder: FittingEncoder, limits: Limits, feed: Feed) -> None:
        producer = self._producer
        async with Sender(producer, self._stats, every_frame=self._plan.every_frame) as sender:
            while not self._intake.is_drained and not await self._is_done(sender):
                await producer.room()
                if producer.text_limit:  # learned from a node whose admin API did not say
                    encoder.max_bytes = max_jpeg_bytes(producer.text_limit, limits.message)
                packet = await asyncio.to_thread(self._encode_next, encoder)
                if packet:
                    self._card.last = packet
                    await sender.begin(packet)
                elif feed.trouble and not producer.is_full:
                    await self._send_card(feed, encoder.max_bytes)
            await sender.finish(self.patience_s)

    async def _is_done(self, sender: Sender) -> bool:
        """Return whether enough frames are published; a message that failed makes room for another."""
        if self._stats.has_sent(self._plan.frames, sender.under_way):
            await sender.finish(self.patience_s)
        return self._stats.has_sent(self._plan.frames)

    async def _send_card(self, feed: Feed, max_bytes: int) -> None:
        packet = await asyncio.to_thread(self._card.due, feed.trouble, feed.name, max_bytes)
        if packet:
            (await self._producer.send(packet)).add_done_callback(self._stats.settle_card)

    def _encode_next(self, encoder: FittingEncoder) -> Packet | None:
        captured = self._intake.take(_TAKE_S)
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
