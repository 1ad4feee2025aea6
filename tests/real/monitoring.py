"""A monitor in a thread, whose views are there as they come."""

from __future__ import annotations

import time
from collections.abc import Callable

from pulsar_cam.monitor.monitor import Monitor
from pulsar_cam.monitor.plan import Plan
from pulsar_cam.monitor.view import View
from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.runtime.background import Background

from ..lab.link import Link
from ..lab.xvfb import wait_until
from .watching import _endpoint_of

SIZES = (1_000, 50_000, 200_000)


class Monitoring:
    """Runs until the end of the context."""

    def __init__(
        self,
        where: Link | NodeState | Endpoint,
        topic: Topic,
        interval_s: float = 3.0,
        *,
        budget_ms: float = 1000.0,
        expects_stream: bool = False,
    ) -> None:
        self.views: list[View] = []
        self._endpoint = _endpoint_of(where)
        self._topic, self._plan = topic, Plan.of(interval_s, SIZES, budget_ms, expects_stream)
        self._background = Background(self._follow())

    async def _follow(self) -> None:
        async with Monitor(self._endpoint, self._topic, self._plan) as monitor:
            async for view in monitor:
                self.views.append(view)

    def __enter__(self) -> Monitoring:
        self._background.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._background.__exit__(None, None, None)

    def becomes(self, reason: str, within_s: float = 60.0) -> View:
        """Wait for a view whose reason begins so; an empty one is for all being well."""

        def is_so() -> bool:
            return bool(self.views) and (
                self.views[-1].reason.startswith(reason) if reason else self.views[-1].state == "ok"
            )

        wait_until(is_so, f"{reason or 'all being well'}, not {[view.reason for view in self.views[-3:]]}", within_s)
        return self.views[-1]

    def sees_more(self, count: int) -> list[View]:
        """Wait for the next views, and return them."""
        before = len(self.views)
        wait_until(lambda: len(self.views) >= before + count, f"{count} more views")
        return self.views[before : before + count]

    def names(self, part: str, fault: Callable[[], object]) -> View:
        """Do something between two rounds, and return the view of the next two that has that problem."""
        self.sees_more(1)
        time.sleep(0.05)  # the view's round is over by then
        before = len(self.views)
        fault()
        wait_until(lambda: len(self.views) >= before + 2, "two more views")
        named = [view for view in self.views[before : before + 2] if view.reason.startswith(f"{part}: ")]
        assert named, [view.reason for view in self.views[before:]]
        assert named[-1].state == "problem"
        return named[-1]
