"""``pulsar-cam demo``: everything at once, from a node to moving pictures."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import DisplayError, NodeUnreachable, SourceError
from ..pulsar.endpoint import DEFAULT_SERVICE_URL, Endpoint
from ..pulsar.topics import Topic
from . import options
from .access import reaches_node
from .node import endings_as_ctrl_c, progress_bar, uninterrupted
from .output.console import StatusLine, errors, set_up_logging, stoppable
from .output.metrics import metrics
from .output.wording import with_options
from .watch import summary

if TYPE_CHECKING:
    from ..publishing.stats import PublishStats
    from ..sinks.viewer import Viewer
    from ..watching.stats import WatchStats

EXAMPLES = """
Examples:\n
  pulsar-cam demo\n
  pulsar-cam demo --headless --duration 5
"""

_NODE_NAME = "demo"
_STOP_PATIENCE_S = 0.5  # all is to end within two seconds, and the journal is on
_HEADLESS_FRAMES = 300


@reaches_node
def demo(
    topic: options.TopicName = "demo",
    frames: options.Frames = None,
    duration: options.Duration = None,
    *,
    headless: Annotated[
        bool,
        typer.Option(
            "--headless",
            help=f"Without a window: count {_HEADLESS_FRAMES} frames and their age, then end.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    endpoint: Endpoint,
    metrics_port: options.MetricsPort = None,
    metrics_host: options.MetricsHost = options.METRICS_HOST,
) -> None:
    """Show moving pictures with one command: a node if none answers, a topic, a publisher and a viewer.

    Publishes the first camera, or a test pattern where there is none. Ctrl-C ends all that it started.
    """
    set_up_logging(verbose)
    full_topic = Topic.parse(topic)
    with endings_as_ctrl_c(), _node(endpoint) as endpoint:
        asyncio.run(_create(endpoint, full_topic))
        errors.print(f"watch it elsewhere, too: pulsar-cam watch --topic {topic} --service-url {endpoint.admin_url}")
        with stoppable() as stop:
            from ..metrics.publisher import publisher_readings
            from ..metrics.viewer import viewer_readings
            from ..publishing.stats import PublishStats
            from ..watching.stats import WatchStats

            viewer = _viewer(full_topic, headless)
            if not viewer.is_seen and frames is None and duration is None:
                frames = _HEADLESS_FRAMES
            published, watched = PublishStats(), WatchStats()
            observed = (
                (published, publisher_readings(published, full_topic)),
                (watched, viewer_readings(watched, full_topic)),
            )
            with (
                metrics(metrics_port, metrics_host, *observed),
                _publisher(endpoint, full_topic, published) as running,
            ):
                _watch(endpoint, full_topic, viewer, watched, running, frames, duration, as_json, stop)
            if stop.is_set():
                raise typer.Exit(130)


def _watch(
    endpoint: Endpoint,
    topic: Topic,
    viewer: Viewer,
    stats: WatchStats,
    published: Future[object],
    frames: int | None,
    duration_s: float | None,
    as_json: bool,
    stop: threading.Event,
) -> None:
    from ..watching.plan import WatchPlan
    from ..watching.watch import watch

    # Two demos may share a node.
    plan = WatchPlan(subscription=f"demo-{secrets.token_hex(4)}", frames=frames, duration_s=duration_s)
    with StatusLine(stats, "demo", as_json=as_json) as status:

        def tick() -> None:
            status.tick()
            if published.done():  # only an error ends it
                viewer.wants_quit = True

        with status.summary(lambda: summary(stats)):
            watch(endpoint, topic, plan, sink=viewer, stop=stop, stats=stats, on_tick=tick)


@contextmanager
def _publisher(endpoint: Endpoint, topic: Topic, stats: PublishStats) -> Iterator[Future[object]]:
    """Publish in a thread until the context is left, and raise its error."""
    stop = threading.Event()
    with ThreadPoolExecutor(1, "publisher") as pool:
        published: Future[object] = pool.submit(_publish, endpoint, topic, stats, stop)
        try:
            yield published
        finally:
            stop.set()
        published.result()


def _publish(endpoint: Endpoint, topic: Topic, stats: PublishStats, stop: threading.Event) -> None:
    from ..publishing.publish import publish
    from ..sources.capture import PATIENCE_S
    from ..sources.opening import open_source
    from ..sources.reader import first_frame

    has_camera = False
    with contextlib.suppress(SourceError):
        has_camera = first_frame(lambda: open_source("0"), 2 * PATIENCE_S, stop) is not None
    if stop.is_set():
        return
    errors.print("publishing camera-0" if has_camera else "no camera: publishing the test pattern")
    uri = "0" if has_camera else "test-pattern:"
    publish(lambda: open_source(uri), endpoint, topic, stats=stats, stop=stop)


def _viewer(topic: Topic, headless: bool) -> Viewer:
    from ..sinks.viewer import Viewer
    from ..sinks.window import Window

    if headless:
        return Viewer()
    try:
        return Viewer(Window(f"pulsar-cam: {topic.name}", with_options))
    except DisplayError as error:
        errors.print(f"{error.problem}: frames are counted instead of shown")
        return Viewer()


async def _create(endpoint: Endpoint, topic: Topic) -> None:
    from ..pulsar.admin.admin import Admin

    async with Admin(endpoint) as admin:
        await admin.create_topic(topic)


@contextmanager
def _node(endpoint: Endpoint) -> Iterator[Endpoint]:
    """Give the node that answers, or else one of our own, which is stopped when the context is left."""
    if _answers(endpoint):
        yield endpoint
        return
    from ..node import DEFAULT_PORT, LocalNode, ports

    node = LocalNode(_NODE_NAME)
    is_of_another = node.running() is not None  # such as another demo, on another port than the usual one
    with progress_bar(show=True) as progress:
        started = node.start(DEFAULT_PORT if ports.is_free(DEFAULT_PORT) else 0, progress=progress)
    try:
        yield Endpoint.of(started.service_url)
    finally:
        if not is_of_another:
            with uninterrupted():
                node.stop(_STOP_PATIENCE_S)


def _answers(endpoint: Endpoint) -> bool:
    from ..pulsar.admin.admin import Admin

    async def ask() -> None:
        async with Admin(endpoint) as admin:
            await admin.version()

    try:
        asyncio.run(ask())
    except NodeUnreachable:
        if endpoint.admin_url != DEFAULT_SERVICE_URL:
            raise
        return False
    return True
