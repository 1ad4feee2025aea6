"""Watching from end to end.

    Sink <--Frame-- decode <--Packet-- Receiver <--Delivery-- Consumer <--JSON-- [ Pulsar ]

The session with Pulsar lives on an event loop in a thread of its own, with the receiver: `Live`, in which the newest
frame wins, or `EveryFrame`. The calling thread decodes and shows, because a window belongs to the main thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..errors import DecodeError
from ..frame import Packet
from ..pictures.jpeg import decode
from ..pulsar.endpoint import Endpoint
from ..pulsar.sessions.consumer import Consumer
from ..pulsar.topics import Topic
from ..runtime.background import Background
from ..runtime.run import TICK_S, Run
from ..sinks.sink import Nowhere, Sink
from .every_frame import EveryFrame
from .live import Live
from .plan import WatchPlan
from .receiver import Receiver
from .stats import WatchStats

logger = logging.getLogger(__name__)


def watch(
    endpoint: Endpoint,
    topic: Topic,
    plan: WatchPlan,
    *,
    sink: Sink | None = None,
    stop: threading.Event | None = None,
    stats: WatchStats | None = None,
    on_tick: Callable[[], None] = lambda: None,
) -> WatchStats:
    """Show the frames of a topic until the plan's frames or time are over, or the sink wants to quit.

    Every message is acknowledged, also one that is not a picture or is never shown.

    Args:
        plan: how to watch, and for how long.
        sink: takes the frames; with a window, call this from the main thread. None decodes and counts only.
        stop: ends the run when set.
        stats: counters to use, for a caller that looks at them meanwhile.
        on_tick: called many times a second in the calling thread.

    Raises:
        InvalidOption: what the plan wants cannot be.
        PulsarCamError: the node cannot be reached, or refuses for a reason that will not pass.
    """
    plan.check(topic)
    sink, stop, stats = sink or Nowhere(), stop or threading.Event(), stats or WatchStats()
    consumer = Consumer(endpoint, topic, plan.subscription, durable=plan.durable or plan.every_frame)
    receiver = receiver_of(consumer, plan, stats)
    stats.session = consumer
    with stats.accounted(), Background(receiver.receive()) as network:
        stats.network = network
        run = Run(network, stop, lambda: sink.wants_quit, plan.duration_s)
        while (run.goes_on or not receiver.is_drained) and not run.is_stopped and not run.is_over_time:
            if packet := receiver.next(TICK_S, is_paused=sink.is_paused):
                _show(packet, sink, stats)
                receiver.done(packet)
            if not stats.is_live:
                sink.wait(stats.waiting_for(topic))
            sink.poll()
            on_tick()
    if run.is_over_time and not stats.has_begun:
        if consumer.refusal:
            raise consumer.refusal
        logger.warning("no session with Pulsar opened within %g s", plan.duration_s)
    return stats


def receiver_of(consumer: Consumer, plan: WatchPlan, stats: WatchStats) -> Receiver:
    """Return what receives as planned."""
    return EveryFrame(consumer, plan, stats) if plan.every_frame else Live(consumer, plan, stats)


def _show(packet: Packet, sink: Sink, stats: WatchStats) -> None:
    try:
        frame = decode(packet, fit=sink.size)
    except DecodeError as error:
        stats.drop_unreadable(error)
        return
    decoded_at_ns = time.time_ns()
    sink.show(frame, lambda: stats.info, packet)
    stats.show(packet, decoded_at_ns)
