"""Publishing and watching from end to end: the one module that knows all stages.

publish    Source --Frame--> Latest --Frame--> encode  --Packet--> Producer --JSON--> [ Pulsar ]
watch      Viewer <--Frame-- decode <--Packet-- Latest <--Packet-- Consumer <--JSON-- [ Pulsar ]

The calling thread shows pictures, because a window belongs to the main thread. The source is read in a second
thread, and sessions with Pulsar live on an event loop in a third, which has JPEGs encoded in a fourth. Before each
expensive step stands a slot in which the newest wins.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable

from .admin import node_limits
from .background import Background
from .consumer import Consumer
from .errors import ConnectionLost, DecodeError, EncodeError, InvalidOption
from .fit import FittingEncoder
from .frame import Frame, Packet
from .jpeg import decode
from .latest import Latest
from .producer import Producer
from .publish_stats import PublishStats
from .source import Source
from .source_reader import SourceReader
from .topics import Endpoint, Topic
from .viewer import Viewer
from .watch_stats import WatchStats
from .wire import max_jpeg_bytes, packet_of

_TICK_S = 0.02
_DRAIN_S = 10.0


def publish(
    open_source: Callable[[], Source],
    endpoint: Endpoint,
    topic: Topic,
    *,
    quality: int = 80,
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
        frames: how many to publish; None for all.
        duration_s: for how long, in seconds; None for ever.
        preview: shows the captured frames here as well; with a window, call this from the main thread.
        stop: ends the run when set.
        stats: counters to use, for a caller that looks at them meanwhile.
        on_tick: called many times a second in the calling thread.

    Raises:
        InvalidOption: quality, frames or duration out of range.
        ConnectionLost: the source has ended, and the node did not acknowledge its last frames.
        PulsarCamError: the source or the node cannot be used, or fails for a reason that will not pass.
    """
    if not 1 <= quality <= 100:
        raise InvalidOption("--quality", quality, "expected 1 to 100")
    _check_limits(frames, duration_s)
    stats, stop, preview = stats or PublishStats(), stop or threading.Event(), preview or Viewer()
    newest, newest_preview = Latest[Frame](), Latest[Frame]()

    def offer(frame: Frame) -> None:
        stats.captured += 1
        if newest.put(frame):
            stats.drop(stats.reason_to_supersede)
        newest_preview.put(frame)

    with stats.accounted(), SourceReader(open_source, offer, newest.close) as reader:
        while not (reader.wait_open(_TICK_S) or stop.is_set() or preview.wants_quit):
            preview.poll()
            on_tick()
        if reader.has_failed or stop.is_set() or preview.wants_quit:
            return stats
        with Background(_publish_newest(newest, reader, endpoint, topic, quality, frames, stats)) as network:
            run = _Run(network, stop, preview, duration_s)
            while run.goes_on and not reader.has_failed and reader.ended_for_s < _DRAIN_S:
                frame = newest_preview.take(_TICK_S)
                if frame:
                    preview.show(frame, stats.info)
                preview.poll()
                on_tick()
                if run.is_over_time:
                    reader.end()  # and the network ends when what was captured is sent
            reader.end()
            if run.goes_on and not reader.has_failed:
                raise ConnectionLost(
                    endpoint.ws_url, f"the last frames were not acknowledged within {_DRAIN_S:.0f} s"
                )
    return stats


async def _publish_newest(
    newest: Latest[Frame],
    reader: SourceReader,
    endpoint: Endpoint,
    topic: Topic,
    quality: int,
    frames: int | None,
    stats: PublishStats,
) -> None:
    limits = await node_limits(endpoint)
    encoder = FittingEncoder(quality, max_jpeg_bytes(limits.text, limits.message))
    async with Producer(endpoint, topic) as producer:
        stats.session = producer
        reader.begin()
        while not newest.is_drained and not await _is_done(producer, stats, frames):
            await producer.room()
            if producer.text_limit:  # learned from a node whose admin API did not tell
                encoder.max_bytes = max_jpeg_bytes(producer.text_limit, limits.message)
            packet = await asyncio.to_thread(_encode_newest, newest, encoder, stats)
            if packet:
                stats.sent += 1
                (await producer.send(packet)).add_done_callback(stats.settler(packet))
        await asyncio.to_thread(reader.end)  # letting go of a device or a stream can take its time
        await producer.drain(_DRAIN_S)


async def _is_done(producer: Producer, stats: PublishStats, frames: int | None) -> bool:
    """Tell whether so many frames are published; a message that failed makes room for another."""
    if stats.has_sent(frames):
        await producer.drain(_DRAIN_S)
    return stats.has_sent(frames)


def _encode_newest(newest: Latest[Frame], encoder: FittingEncoder, stats: PublishStats) -> Packet | None:
    frame = newest.take(_TICK_S * 5)
    try:
        return encoder.encode(frame) if frame else None
    except EncodeError as error:
        stats.drop_unencodable(error)
        return None


def watch(
    endpoint: Endpoint,
    topic: Topic,
    subscription: str,
    *,
    viewer: Viewer | None = None,
    durable: bool = False,
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
        viewer: shows the frames; with a window, call this from the main thread. None decodes and counts only.
        frames: how many to receive; None for all.
        duration_s: for how long, in seconds; None for ever.
        stop: ends the run when set.
        stats: counters to use, for a caller that looks at them meanwhile.
        on_tick: called many times a second in the calling thread.

    Raises:
        InvalidOption: frames or duration out of range.
        PulsarCamError: the node cannot be reached, or refuses for a reason that will not pass.
    """
    _check_limits(frames, duration_s)
    stats, stop, viewer = stats or WatchStats(), stop or threading.Event(), viewer or Viewer()
    newest = Latest[Packet]()
    consumer = Consumer(endpoint, topic, subscription, durable=durable)
    stats.session = consumer
    with stats.accounted(), Background(_receive(consumer, newest, frames, stats)) as network:
        run = _Run(network, stop, viewer, duration_s)
        while (run.goes_on or not newest.is_drained) and not run.is_stopped and not run.is_over_time:
            packet = newest.take(_TICK_S)
            if packet:
                _show(packet, viewer, stats)
            elif not stats.is_flowing:
                viewer.wait(stats.waiting_for(topic))
            viewer.poll()
            on_tick()
    return stats


async def _receive(consumer: Consumer, newest: Latest[Packet], frames: int | None, stats: WatchStats) -> None:
    try:
        async with consumer:
            async for delivery in consumer:
                await consumer.ack(delivery)
                stats.arrived(delivery)
                try:
                    packet = packet_of(delivery)
                except DecodeError as error:
                    stats.drop_unreadable(error)
                    continue
                stats.follow(packet)
                if newest.put(packet):
                    stats.drop("superseded")
                if stats.images == frames:
                    break
    finally:
        newest.close()


def _show(packet: Packet, viewer: Viewer, stats: WatchStats) -> None:
    if viewer.is_paused:
        stats.drop("paused")
        return
    try:
        frame = decode(packet)
    except DecodeError as error:
        stats.drop_unreadable(error)
        return
    stats.show(packet)
    viewer.show(frame, stats.info, packet)


def _check_limits(frames: int | None, duration_s: float | None) -> None:
    if frames is not None and frames < 1:
        raise InvalidOption("--frames", frames, "expected 1 or more")
    if duration_s is not None and not 0 < duration_s < math.inf:
        raise InvalidOption("--duration", duration_s, "expected a number of seconds above 0")


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
