"""The frames of a topic as a loop, for a program of one's own."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Self

from ..errors import DecodeError, InvalidOption
from ..frame import Frame
from ..pictures.jpeg import decode
from ..pulsar.endpoint import DEFAULT_SERVICE_URL, Endpoint
from ..pulsar.sessions.consumer import Consumer
from ..pulsar.topics import Topic
from ..runtime.background import Background
from ..runtime.run import TICK_S
from .plan import WatchPlan
from .stats import WatchStats
from .watch import receiver_of


def frames(
    topic: Topic | str,
    endpoint: Endpoint | str = DEFAULT_SERVICE_URL,
    *,
    subscription: str | None = None,
    every_frame: bool = False,
    max_age_ms: float | None = None,
    auto_ack: bool = True,
) -> Frames:
    """Return the frames of a topic, to loop over, with ``for`` or ``async for``::

        for frame in pulsar_cam.frames("front-door"):
            print(frame.sequence, frame.image.shape, frame.age_ms)

    The newest frame wins: a loop that takes its time gets the frame that is newest when it asks for the next one, and
    none older than `max_age_ms`. The session with Pulsar is opened again whenever it breaks, and closed when the loop
    ends, in whatever way; ``with frames(...) as stream`` closes it at the end of the block.

    Args:
        topic: its name; short ones are completed to ``persistent://public/default/...``.
        endpoint: where Pulsar is: a service URL, or an `Endpoint` with a token or a CA.
        subscription: its name; each reader of a topic needs its own. None for a new one, which is gone afterwards.
        every_frame: every frame once and in order, whatever its age; each is acknowledged when the loop asks for the
            next one. The subscription is durable, so it needs a name: what a program that died was at comes again.
        max_age_ms: None for 500, ``math.inf`` for no limit; not with `every_frame`.
        auto_ack: with `every_frame`, False leaves it to the program to `Frames.ack` each frame.

    Raises:
        InvalidOption: a value that cannot be.
        PulsarCamError: from the loop: the node cannot be reached, or refuses for a reason that will not pass.
    """
    if every_frame and subscription is None:
        raise InvalidOption("subscription", None, "with `every_frame` it is durable; give it a name to come back to")
    plan = WatchPlan(
        subscription=f"reader-{secrets.token_hex(4)}" if subscription is None else subscription,
        every_frame=every_frame,
        max_age_ms=max_age_ms,
    )
    where = Endpoint.of(endpoint) if isinstance(endpoint, str) else endpoint
    return Frames(where, Topic.parse(topic) if isinstance(topic, str) else topic, plan, auto_ack=auto_ack)


class Frames:
    """What `frames` returns: an iterator of frames, an async one, and a context manager of either kind.

    Attributes:
        stats: the counters, as those of `watch`; a frame that the loop got is one that was shown.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic, plan: WatchPlan, *, auto_ack: bool = True) -> None:
        """Take what to do; nothing is connected yet.

        Raises:
            InvalidOption: what the plan wants cannot be.
        """
        plan.check(topic)
        self.stats = WatchStats()
        self._auto_ack = auto_ack
        consumer = Consumer(endpoint, topic, plan.subscription, durable=plan.every_frame)
        self.stats.session = consumer
        self._receiver = receiver_of(consumer, plan, self.stats)
        self._network: Background | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Subscribe.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        self._open.enter_context(self.stats.accounted())
        self._network = self._open.enter_context(Background(self._receiver.receive()))
        self.stats.network = self._network
        while self._network.is_running and not self.stats.has_begun:
            time.sleep(TICK_S)
        if not self._network.is_running:
            self._open.close()  # and raise why
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames, for ever, and open and close the session where ``with`` does not."""
        with contextlib.nullcontext() if self._network else self:
            while not self._is_over:
                if frame := self._next():
                    yield frame
                    self._done(frame)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        """Yield frames, for ever, and open and close the session where ``async with`` does not."""
        async with contextlib.nullcontext() if self._network else self:
            while not self._is_over:
                if frame := await asyncio.to_thread(self._next):
                    yield frame
                    self._done(frame)

    def ack(self, frame: Frame) -> None:
        """Acknowledge a frame, so that it never comes again; where every frame counts, Pulsar waits for that."""
        self._receiver.done(frame)

    @property
    def _is_over(self) -> bool:
        """Whether no frame will come: the session has ended for good, which closing it gives the reason of."""
        return self._receiver.is_drained and not (self._network and self._network.is_running)

    def _next(self) -> Frame | None:
        packet = self._receiver.next(TICK_S, is_paused=False)
        if not packet:
            return None
        try:
            frame = decode(packet)
        except DecodeError as error:
            self.stats.drop_unreadable(error)
            self._receiver.done(packet)
            return None
        self.stats.show(packet, time.time_ns())
        return frame

    def _done(self, frame: Frame) -> None:
        if self._auto_ack:
            self._receiver.done(frame)
