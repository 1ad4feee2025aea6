"""The monitor: a round of everything an interval, and one view of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import NamespaceNotFound, NodeUnreachable, PulsarError, TopicNotFound
from ..pulsar.admin.admin import Admin
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import Topic
from .adviser import Adviser
from .announcer import Announcer
from .facts import Facts, NodeFacts
from .judge import judge
from .looks.node import NodeLook
from .looks.stream import StreamWatch
from .looks.topic import TopicLook
from .plan import Plan
from .probes.lanes import Lanes, beside
from .probes.quiet import QuietSession
from .reconnects import Reconnects
from .view import Advice, TopicView, View

T = TypeVar("T")

_HEAD_START = 1 / 8  # of the patience: so long a step is waited for before the next one begins


class Monitor:
    """Watches a node and a stream for as long as it is open, as an async context manager and iterator of views::

        async with Monitor(Endpoint.of(), Topic.parse("video-stream")) as monitor:
            async for view in monitor:
                print(view.state, view.reason)

    It starts and goes on whatever the node does, and leaves no subscription behind.
    Its probes are on topics beside the stream's, whose names begin with the stream's and ``-probe``.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic, plan: Plan | None = None) -> None:
        self._endpoint, self._topic, self._plan = endpoint, topic, plan or Plan()
        self._admin = Admin(endpoint, self._plan.patience_s / 2)
        self._node, self._topic_look = NodeLook(self._admin, endpoint), TopicLook(self._admin, topic)
        self._lanes = Lanes(endpoint, topic, self._plan)
        self._quiet = QuietSession(endpoint, beside(topic, "quiet", "non-persistent"))
        self._stream = StreamWatch(endpoint, topic)
        self._adviser = Adviser(self._admin, endpoint, topic, applies=self._plan.applies)
        self._announcer = Announcer(endpoint, topic)
        self._is_watching = False
        self._tasks: list[asyncio.Task[None]] = []
        self._reconnects = Reconnects()

    async def __aenter__(self) -> Self:
        """Begin.

        Raises:
            NodeUnreachable: no client can be made at all, as with a proxy that cannot be used.
        """
        await self._admin.open()
        await self._make_topics()
        self._tasks = [asyncio.create_task(each.run()) for each in (self._quiet, self._announcer)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait([*self._tasks, asyncio.create_task(self._lanes.close())])
        await self._admin.close()

    async def __aiter__(self) -> AsyncIterator[View]:
        """Yield one view an interval, for ever."""
        while True:
            began_s = time.monotonic()
            yield await self._round()
            await asyncio.sleep(max(0.0, began_s + self._plan.interval_s - time.monotonic()))

    async def _make_topics(self) -> None:
        """Make the topics of probes: not every namespace makes what is missing. Where we may not, it has to."""
        with contextlib.suppress(PulsarError, TimeoutError):
            async with asyncio.timeout(self._plan.patience_s / 2):
                for topic in (*(lane.topic for lane in self._lanes), self._quiet.topic, self._announcer.topic):
                    await self._admin.create_topic(topic)

    async def _round(self) -> View:
        until_s = time.monotonic() + self._plan.patience_s
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                await self._begin(group, lane.round(until_s - time.monotonic()))
            node = await self._begin(group, self._node.round())
            topic = await self._begin(group, self._look_at_topic())
        self._watch_stream(topic.result())
        if any(isinstance(lane.error, TopicNotFound) for lane in self._lanes):
            await self._make_topics()
        view = self._view(self._facts(node.result(), topic.result()), await self._advice(topic.result()))
        self._announcer.announce(view)
        return view

    async def _advice(self, topic: TopicView | PulsarError) -> tuple[Advice, ...]:
        try:
            async with asyncio.timeout(self._plan.patience_s / 2):
                return await self._adviser.round(topic)
        except TimeoutError:
            return ()

    async def _begin(self, group: asyncio.TaskGroup, step: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin a step, and let it go alone for a moment: measurements would disturb each other."""
        task = group.create_task(step)
        await asyncio.wait([task], timeout=self._plan.patience_s * _HEAD_START)
        return task

    async def _look_at_topic(self) -> TopicView | PulsarError:
        try:
            async with asyncio.timeout(self._plan.patience_s / 2):
                return await self._topic_look.round()
        except TimeoutError:
            return NodeUnreachable(self._endpoint.admin_url, "no answer in time")
        except PulsarError as error:
            return error

    def _watch_stream(self, topic: TopicView | PulsarError) -> None:
        """Subscribe to the stream once its topic is there: to subscribe would make it."""
        is_missing = isinstance(topic, (TopicNotFound, NamespaceNotFound))
        is_refused = self._lanes.fresh.error and not isinstance(self._lanes.fresh.error, TopicNotFound)
        if not is_missing and not is_refused and not self._is_watching:
            self._is_watching = True
            self._tasks.append(asyncio.create_task(self._stream.run()))

    def _facts(self, node: NodeFacts, topic: TopicView | PulsarError) -> Facts:
        quiet, lanes = self._quiet, self._lanes
        quiet_s, recent = quiet.look(), self._reconnects.most(self._reconnect_counts)
        return Facts(
            topic_name=self._topic,
            node=node,
            connect_ms=lanes.connect_ms,
            kept=lanes.kept.error,
            verdicts=lanes.verdicts,
            topic=topic,
            stream=self._stream.view(),
            reconnects=recent,
            quiet_s=round(quiet_s, 1),
            quiet_status="connected" if quiet.is_open else quiet.status,
            survived_s=quiet.survived_s if recent else None,
            growing=self._topic_look.growing,
            rules=self._topic_look.rules,
            received=self._stream.error,
            unstored=lanes.unstored.error if lanes.unstored else None,
        )

    def _view(self, facts: Facts, advice: tuple[Advice, ...]) -> View:
        return View(
            findings=judge(facts, self._plan),
            probes=self._lanes.views(),
            connect_ms=facts.connect_ms if isinstance(facts.connect_ms, float) else None,
            connects_ms=self._lanes.note_connect(),
            idle_s=facts.quiet_s,
            reconnects=sum(self._reconnect_counts),
            topic=facts.topic if isinstance(facts.topic, TopicView) else None,
            stream=facts.stream,
            advice=advice,
        )

    @property
    def _reconnect_counts(self) -> tuple[int, ...]:
        lanes = (lane.reconnects for lane in self._lanes)
        return (*lanes, self._quiet.reconnects, self._stream.reconnects)
