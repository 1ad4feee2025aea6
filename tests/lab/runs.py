"""`publish` and `watch` with their plans written out as keywords, as most tests want one or two of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pulsar_cam.publishing.plan import PublishPlan
from pulsar_cam.publishing.publish import publish as publish_as_planned
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sinks.sink import Sink
from pulsar_cam.sources.source import Source
from pulsar_cam.watching.plan import WatchPlan
from pulsar_cam.watching.stats import WatchStats
from pulsar_cam.watching.watch import watch as watch_as_planned


def publish(
    open_source: Callable[[], Source],
    endpoint: Endpoint,
    topic: Topic,
    *,
    preview: Sink | None = None,
    stop: threading.Event | None = None,
    stats: PublishStats | None = None,
    on_tick: Callable[[], None] = lambda: None,
    **planned: Any,
) -> PublishStats:
    return publish_as_planned(
        open_source, endpoint, topic, PublishPlan(**planned), preview=preview, stop=stop, stats=stats, on_tick=on_tick
    )


def watch(
    endpoint: Endpoint,
    topic: Topic,
    subscription: str,
    *,
    viewer: Sink | None = None,
    stop: threading.Event | None = None,
    stats: WatchStats | None = None,
    on_tick: Callable[[], None] = lambda: None,
    **planned: Any,
) -> WatchStats:
    plan = WatchPlan(subscription=subscription, **planned)
    return watch_as_planned(endpoint, topic, plan, sink=viewer, stop=stop, stats=stats, on_tick=on_tick)
