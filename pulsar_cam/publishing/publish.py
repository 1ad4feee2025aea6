"""Publishing from end to end.

    Source --Frame--> Intake --Frame--> encode --Packet--> Producer --JSON--> [ Pulsar ]

The source is read in a thread of its own (`SourceReader`). What it gives waits in the `Intake`: in one slot, in which
the newest frame wins, or in a few where every frame counts. The session with Pulsar lives on an event loop in another
thread (`Encoding`), which has JPEGs encoded in a worker. The calling thread shows the preview, because a window
belongs to the main thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from ..errors import ConnectionLost, DecodeError, InvalidOption
from ..frame import Captured, Packet
from ..pictures.jpeg import decode
from ..pulsar.endpoint import Endpoint
from ..pulsar.sessions.producer import Producer
from ..pulsar.topics import Topic
from ..runtime.background import Background
from ..runtime.handoff import Latest
from ..runtime.run import TICK_S, Run
from ..sinks.sink import Nowhere, Sink
from ..sources.reader import SourceReader
from ..sources.source import Source
from .encoding import Encoding
from .intake import Intake
from .plan import PublishPlan
from .stats import PublishStats


def publish(
    open_source: Callable[[], Source],
    endpoint: Endpoint,
    topic: Topic,
    plan: PublishPlan | None = None,
    *,
    preview: Sink | None = None,
    stop: threading.Event | None = None,
    stats: PublishStats | None = None,
    on_tick: Callable[[], None] = lambda: None,
) -> PublishStats:
    """Publish the frames of a source until it ends, or the plan's frames or time are over.

    Args:
        open_source: opens the source, such as ``lambda: open_source("0")``.
        plan: how to publish, and for how long.
        preview: shows the captured frames here as well; with a window, call this from the main thread.
        stop: ends the run when set.
        stats: counters to use, for a caller that looks at them meanwhile.
        on_tick: called many times a second in the calling thread.

    Raises:
        InvalidOption: what the plan wants cannot be, or is every frame of a source that cannot wait.
        ConnectionLost: the source has ended, and the node did not acknowledge its last frames.
        PulsarCamError: the source or the node cannot be used, or fails for a reason that will not pass.
    """
    plan = plan or PublishPlan()
    plan.check(topic)
    preview, stop, stats = preview or Nowhere(), stop or threading.Event(), stats or PublishStats()
    newest_preview, intake = Latest[Captured](), Intake(stats, every_frame=plan.every_frame)
    producer = Producer(endpoint, topic, resend=plan.every_frame)
    encoding = Encoding(endpoint, topic, plan, producer, intake, stats)

    def offer(captured: Captured) -> None:
        if preview.is_seen:
            newest_preview.put(captured)
        intake.offer(captured)

    reader = SourceReader(_opener(open_source, plan), offer, intake.close, recovers=not plan.exit_on_camera_loss)
    stats.source, stats.session = reader, producer
    with stats.accounted(), reader:
        while not (reader.wait_open(TICK_S) or stop.is_set() or preview.wants_quit):
            preview.poll()
            on_tick()
        if reader.has_failed or stop.is_set() or preview.wants_quit:
            return stats
        with contextlib.closing(intake), Background(encoding.run(reader)) as network:
            stats.network = network
            run = Run(network, stop, lambda: preview.wants_quit, plan.duration_s)
            while run.goes_on and not reader.has_failed and reader.ended_for_s < encoding.patience_s:
                if captured := newest_preview.take(TICK_S):
                    _show(captured, preview, stats)
                elif reader.trouble:
                    preview.wait(reader.trouble)
                preview.poll()
                on_tick()
                if run.is_over_time:
                    reader.end()  # and the network ends when what was captured is sent
            reader.end()
            if run.goes_on and not reader.has_failed:
                unacknowledged = f"the last frames were not acknowledged within {encoding.patience_s:.0f} s"
                raise ConnectionLost(endpoint.ws_url, unacknowledged)
    return stats


def _opener(open_source: Callable[[], Source], plan: PublishPlan) -> Callable[[], Source]:
    """Return what opens the source, and refuses one that cannot do what the plan asks of it."""

    def open_what_can_wait() -> Source:
        source = open_source()
        if not source.can_wait:
            source.close()
            raise InvalidOption("every_frame", source.name, "a camera or live stream cannot wait; it is for films")
        return source

    return open_what_can_wait if plan.every_frame else open_source


def _show(captured: Captured, preview: Sink, stats: PublishStats) -> None:
    with contextlib.suppress(DecodeError):  # the encoder counts it
        frame = decode(captured) if isinstance(captured, Packet) else captured
        preview.show(frame, lambda: stats.info, None)
