"""A few messages to ourselves through the node, which show how far off its clock is, and how far away it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import NodeUnreachable, PulsarError
from ..frame import Packet
from ..pulsar.endpoint import Endpoint
from ..pulsar.sessions.consumer import Consumer
from ..pulsar.sessions.producer import Producer
from ..pulsar.topics import Topic

LIMIT_S = 5.0
ROUND_TRIP_BYTES = 100_000
_CLOCK_MESSAGES = 10
_ROUND_TRIPS = 10
_NODE_RESOLUTION_NS = 1_000_000  # publish times are whole milliseconds, rounded down


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One message's way through the node, Unix times in nanoseconds: ours, the node's, ours."""

    sent_at_ns: int
    published_at_ns: int
    received_at_ns: int


@dataclass(slots=True)
class Exchange:
    """What the messages showed; what there was no time for is missing.

    Attributes:
        samples: for the clock.
        round_trips_s: seconds from sending ROUND_TRIP_BYTES to the node's receipt.
        refusal: why nothing could be received.
    """

    samples: list[ClockSample] = field(default_factory=list)
    round_trips_s: list[float] = field(default_factory=list)
    refusal: PulsarError | None = None


async def exchange(endpoint: Endpoint, topic: Topic) -> Exchange:
    """Publish a few messages and receive them; ends within about LIMIT_S.

    Args:
        topic: a non-persistent one, where this disturbs no client and leaves nothing behind.

    Raises:
        PulsarError: no producer session opens.
    """
    told = None
    try:
        async with asyncio.timeout(LIMIT_S), Producer(endpoint, topic) as producer:
            told = Exchange()
            await _measure_clock(endpoint, topic, producer, told)
            await _measure_round_trip(producer, told)
    except TimeoutError as error:
        if told is None:
            raise NodeUnreachable(endpoint.ws_url, f"no answer within {LIMIT_S:g} s") from error
    assert told
    return told


def clock_offset(samples: Sequence[ClockSample]) -> tuple[float, float]:
    """Return how far the node's clock is ahead of ours, and how uncertain that is, in seconds.

    The node's reading lies between our two, so each sample bounds the offset from both sides, as in NTP (RFC 5905).
    """
    most = min(each.published_at_ns + _NODE_RESOLUTION_NS - each.sent_at_ns for each in samples)
    least = max(each.published_at_ns - each.received_at_ns for each in samples)
    return (most + least) / 2e9, abs(most - least) / 2e9


async def _measure_round_trip(producer: Producer, told: Exchange) -> None:
    for _ in range(_ROUND_TRIPS):
        began_s = time.perf_counter()
        receipt = await (await producer.send(_packet(ROUND_TRIP_BYTES)))
        if receipt.accepted:
            told.round_trips_s.append(time.perf_counter() - began_s)


async def _measure_clock(endpoint: Endpoint, topic: Topic, producer: Producer, told: Exchange) -> None:
    try:
        async with Consumer(endpoint, topic, f"pulsar-cam-doctor-{producer.session}") as consumer:
            await _play_ping_pong(producer, consumer, told)
    except PulsarError as error:
        told.refusal = error


async def _play_ping_pong(producer: Producer, consumer: Consumer, told: Exchange) -> None:
    sent_at_ns = time.time_ns()
    await producer.send(_packet(100))
    async for delivery in consumer:
        await consumer.ack(delivery)
        if delivery.properties.get("session") != producer.session:
            continue  # of another doctor on this node
        told.samples.append(ClockSample(sent_at_ns, delivery.published_at_ns, delivery.received_at_ns))
        if len(told.samples) == _CLOCK_MESSAGES:
            return
        sent_at_ns = time.time_ns()
        await producer.send(_packet(100))


def _packet(size: int) -> Packet:
    return Packet(bytes(size), width=0, height=0, captured_at_ns=time.time_ns(), source="pulsar-cam-doctor")
