"""Publishing and watching from end to end: the one module that knows all stages.

publish    Source --Frame--> Latest --Frame--> encode  --Packet--> Producer --JSON--> [ Pulsar ]
watch      Viewer <--Frame-- decode <--Packet-- Latest <--Packet-- Consumer <--JSON-- [ Pulsar ]

The calling thread shows pictures, because a window belongs to the main thread. The source is read in a thread of its
own, and the sessions with Pulsar live on an event loop in another (`Publishing`; `Live` and `EveryFrame`), which has
JPEGs encoded in a worker. Before each expensive step stands a slot in which the newest wins; where every frame
counts, there are a few, and the writer waits.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable

from .errors import ConnectionLost, DecodeError, InvalidOption
from .frame import Captured, Packet
from .pictures.jpeg import decode
from .publishing.encoding import Publishing
from .publishing.stats import PublishStats
from .publishing.steering import Adapt
from .pulsar.consumer import Consumer
from .pulsar.endpoint import Endpoint
from .pulsar.topics import Topic
from .runtime.background import Background
from .runtime.latest import Latest
from .sinks.viewer import Viewer
from .sources.capture import LiveSource
from .sources.reader import SourceReader
from .sources.source import Source
from .watching.every_frame import EveryFrame
from .watching.live import Live
from .watching.stats import WatchStats

_TICK_S = 0.02


def publish(
    open_source: Callable[[], Source],
    endpoint: Endpoint,
    topic: Topic,
    *,
    quality: int = 80,
    adapt: Adapt = Adapt.ON,
    on_demand: bool = False,
    follow_monitor: bool = False,
    every_frame: bool = False,
    exit_on_camera_loss: bool = False,
    frames: int | None = None,
    duration_s: float | None = None,
    preview: Viewer | None = None,
    stop: threading.Event | None = None,
    stats: PublishStats | None = None,
    on_tick: Callable[[], None] = lambda: None,
) -> PublishStats:
    """Publish the frames of a source until it ends, so many are published, or so much time has passed.

    Args:
        open_source: opens the source, such as ``lambda: open_source("0")``.
        quality: JPEG quality, 1 to 100; lowered while a message does not fit the node's limits.
        adapt: lower quality, size and rate as well while the way to the node is too slow for them.
        on_demand: publish one frame a second while nobody subscribes.
        follow_monitor: lower the quality also while `pulsar-cam monitor` tells that frames get late behind the node.
        every_frame: leave no frame out: the source waits for the node, for as long as that takes, and what was not
            acknowledged is sent again. For a source that can wait, such as a film, and a persistent topic.
        exit_on_camera_loss: end with SourceStopped when a camera or live stream stops, in place of opening it again.
        frames: how many to publish; None for all.
        duration_s: for how long, in seconds; None for ever.
        preview: shows the captured frames here as well; with a window, call this from the main thread.
        stop: ends the run when set.
        stats: counters to use, for a caller that looks at them meanwhile.
        on_tick: called many times a second in the calling thread.

    Raises:
        InvalidOption: quality, frames or duration out of range, or every frame of what cannot wait.
        ConnectionLost: the source has ended, and the node did not acknowledge its last frames.
        PulsarCamError: the source or the node cannot be used, or fails for a reason that will not pass.
    """
    if not 1 <= quality <= 100:
        raise InvalidOption("quality", quality, "expected 1 to 100")
    _check_limits(frames, duration_s)
    if follow_monitor and adapt is Adapt.OFF:
        raise InvalidOption("follow_monitor", True, "it changes nothing with `Adapt.OFF`; leave one of the two out")
    if every_frame:
        open_source, adapt = _checked_for_every_frame(open_source, topic, on_demand), Adapt.OFF
    stats, stop, preview = stats or PublishStats(), stop or threading.Event(), preview or Viewer()
    newest_preview = Latest[Captured]()
    publishing = Publishing(
        endpoint, topic, stats, quality, adapt,
        on_demand=on_demand, follow_monitor=follow_monitor, every_frame=every_frame, frames=frames,
    )  # fmt: skip

    def offer(captured: Captured) -> None:
        if preview.has_window:
            newest_preview.put(captured)
        publishing.offer(captured)

    with (
        stats.accounted(),
        SourceReader(open_source, offer, publishing.close, recovers=not exit_on_camera_loss) as reader,
    ):
        stats.reader = reader
        while not (reader.wait_open(_TICK_S) or stop.is_set() or preview.wants_quit):
            preview.poll()
            on_tick()
        if reader.has_failed or stop.is_set() or preview.wants_quit:
            return stats
        with contextlib.closing(publishing), Background(publishing.run(reader)) as network:
            stats.network = network
            run = _Run(network, stop, preview, duration_s)
            while run.goes_on and not reader.has_failed and reader.ended_for_s < publishing.patience_s:
                captured = newest_preview.take(_TICK_S)
                if captured:
                    _preview(captured, preview, stats)
                elif reader.trouble:
                    preview.wait(reader.trouble)
                preview.poll()
                on_tick()
                if run.is_over_time:
                    reader.end()  # and the network ends when what was captured is sent
            reader.end()
            if run.goes_on and not reader.has_failed:
                unacknowledged = f"the last frames were not acknowledged within {publishing.patience_s:.0f} s"
                raise ConnectionLost(endpoint.ws_url, unacknowledged)
    return stats


def _checked_for_every_frame(
    open_source: Callable[[], Source], topic: Topic, on_demand: bool
) -> Callable[[], Source]:
    if on_demand:
        raise InvalidOption("every_frame", True, "`on_demand` leaves frames out; give one of the two")
    _check_topic_keeps_frames(topic)

    def open_what_can_wait() -> Source:
        source = open_source()
        if isinstance(source, LiveSource):
            source.close()
            raise InvalidOption("every_frame", source.name, "a camera or live stream cannot wait; it is for films")
        return source

    return open_what_can_wait


def _check_topic_keeps_frames(topic: Topic) -> None:
    if not topic.is_persistent:
        raise InvalidOption("every_frame", topic, "a non-persistent topic keeps no frame; use a persistent one")


def _preview(captured: Captured, preview: Viewer, stats: PublishStats) -> None:
    with contextlib.suppress(DecodeError):  # whoever encodes it counts it
        frame = decode(captured) if isinstance(captured, Packet) else captured
        preview.show(frame, lambda: stats.info)


def watch(
    endpoint: Endpoint,
    topic: Topic,
    subscription: str,
    *,
    viewer: Viewer | None = None,
    durable: bool = False,
    every_frame: bool = False,
    max_age_ms: float | None = None,
    frames: int | None = None,
    duration_s: float | None = None,
    stop: threading.Event | None = None,
    stats: WatchStats | None = None,
    on_tick: Callable[[], None] = lambda: None,
) -> WatchStats:
    """Show the frames of a topic until so many have arrived, so much time has passed, or the viewer quits.

    Every message is acknowledged when it arrives, also one that is no picture or is never shown.

    Args:
        subscription: its name; it is gone afterwards unless `durable`.
        every_frame: show every frame once and in order, whatever its age, and acknowledge it only then; the
            subscription is durable.
        viewer: shows the frames; with a window, call this from the main thread. None decodes and counts only.
        max_age_ms: frames that are older, in milliseconds, are not shown, and a viewer that Pulsar lets fall further
            behind jumps to live. None for 500, or for no limit on a durable subscription, which is owed what it
            missed; ``math.inf`` for no limit.
        frames: how many to receive; None for all.
        duration_s: for how long, in seconds; None for ever.
        stop: ends the run when set.
        stats: counters to use, for a caller that looks at them meanwhile.
        on_tick: called many times a second in the calling thread.

    Raises:
        InvalidOption: age, frames or duration out of range, or an age limit for every frame.
        PulsarCamError: the node cannot be reached, or refuses for a reason that will not pass.
    """
    _check_limits(frames, duration_s)
    if max_age_ms is not None and not max_age_ms > 0:
        raise InvalidOption("max_age_ms", max_age_ms, "expected milliseconds above 0, or `math.inf` for no limit")
    stats, stop, viewer = stats or WatchStats(), stop or threading.Event(), viewer or Viewer()
    if every_frame:
        _check_topic_keeps_frames(topic)
        if max_age_ms is not None:
            raise InvalidOption(
                "max_age_ms",
                max_age_ms,
                "with `every_frame` each one is shown, whatever its age; give one of the two",
            )
    consumer = Consumer(endpoint, topic, subscription, durable=durable or every_frame)
    stats.session = consumer
    receiver = EveryFrame(consumer, stats) if every_frame else Live(consumer, stats, max_age_ms)
    with stats.accounted(), Background(receiver.receive(frames)) as network:
        stats.network = network
        run = _Run(network, stop, viewer, duration_s)
        while (run.goes_on or not receiver.packets.is_drained) and not run.is_stopped and not run.is_over_time:
            if every_frame and viewer.is_paused:
                time.sleep(_TICK_S)
            elif packet := receiver.packets.take(_TICK_S):
                if isinstance(receiver, EveryFrame):
                    _show(packet, viewer, stats)
                    network.do(receiver.acknowledge(packet))
                else:
                    _show_live(packet, viewer, stats)
            if not stats.is_live:
                viewer.wait(stats.waiting_for(topic))
            viewer.poll()
            on_tick()
    return stats


def _show_live(packet: Packet, viewer: Viewer, stats: WatchStats) -> None:
    if viewer.is_paused:
        stats.drop("paused")
    elif stats.is_too_old(packet):
        stats.drop("too_old")
    else:
        _show(packet, viewer, stats)


def _show(packet: Packet, viewer: Viewer, stats: WatchStats) -> None:
    try:
        frame = decode(packet, fit=viewer.size)
    except DecodeError as error:
        stats.drop_unreadable(error)
        return
    decoded_at_ns = time.time_ns()
    viewer.show(frame, lambda: stats.info, packet)
    stats.show(packet, decoded_at_ns)


def _check_limits(frames: int | None, duration_s: float | None) -> None:
    if frames is not None and frames < 1:
        raise InvalidOption("frames", frames, "expected 1 or more")
    if duration_s is not None and not 0 < duration_s < math.inf:
        raise InvalidOption("duration_s", duration_s, "expected a number of seconds above 0")


class _Run:
    """When to go on."""

    def __init__(self, network: Background, stop: threading.Event, viewer: Viewer, duration_s: float | None) -> None:
        self._network, self._stop, self._viewer = network, stop, viewer
        self._ends_at_s = None if duration_s is None else time.monotonic() + duration_s

    @property
    def is_stopped(self) -> bool:
        return self._stop.is_set() or self._viewer.wants_quit

    @property
    def goes_on(self) -> bool:
        return self._network.is_running and not self.is_stopped

    @property
    def is_over_time(self) -> bool:
        return self._ends_at_s is not None and time.monotonic() > self._ends_at_s
