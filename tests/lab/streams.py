"""What several tests on a real node need: packets to send, topics of their own, and a look at a topic's backlog."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from pulsar_cam.frame import Frame, Packet
from pulsar_cam.node import NodeState
from pulsar_cam.pictures.jpeg import encode
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.admin.http import Http
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.wire import Delivery, Receipt
from pulsar_cam.pulsar.sessions.consumer import Consumer
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.pattern import PatternSource

TIMEOUT_S = 30.0
_numbers = itertools.count()


def new_topic(domain: str = "persistent") -> Topic:
    """Return a topic that no other test uses."""
    return Topic.parse(f"{domain}://public/default/test-{next(_numbers)}")


def endpoint_of(node: NodeState) -> Endpoint:
    """Return where a node is."""
    return Endpoint.of(node.service_url)


@asynccontextmanager
async def http_of(endpoint: Endpoint) -> AsyncIterator[Http]:
    """Give a way to ask the admin API what this project itself never asks."""
    http = Http(endpoint, TIMEOUT_S)
    await http.open()
    try:
        yield http
    finally:
        await http.close()


def call(endpoint: Endpoint, method: str, path: str, body: object = None) -> None:
    """Ask something of the admin API that this project itself never asks for."""

    async def ask() -> None:
        async with http_of(endpoint) as http:
            answer = await http.send(method, path, body)
            assert answer.status_code < 300, answer.text

    asyncio.run(ask())


def frames(count: int, size: tuple[int, int] = (320, 240)) -> Iterator[Frame]:
    """Yield ``count`` test cards, numbered from 0."""
    source = PatternSource(size, fps=240)
    for _ in range(count):
        frame = source.read()
        assert frame
        yield frame
    source.close()


def packets(count: int, size: tuple[int, int] = (320, 240), quality: int = 80) -> list[Packet]:
    """Return ``count`` encoded test cards, numbered from 0."""
    return [encode(frame, quality) for frame in frames(count, size)]


async def send_all(producer: Producer, to_send: list[Packet]) -> list[Receipt]:
    """Send packets through the producer's window, and return their receipts."""
    receipts = [await producer.send(packet) for packet in to_send]
    return await asyncio.wait_for(asyncio.gather(*receipts), TIMEOUT_S)


async def receive(consumer: Consumer, count: int) -> list[Delivery]:
    """Return the next ``count`` deliveries, each acknowledged."""
    deliveries = []
    async with asyncio.timeout(TIMEOUT_S):
        async for delivery in consumer:
            await consumer.ack(delivery)
            deliveries.append(delivery)
            if len(deliveries) == count:
                break
    return deliveries


async def backlog(node: NodeState, topic: Topic, subscription: str) -> int:
    """Return how many messages a subscription has not acknowledged, by the node's own statistics."""
    async with Admin(endpoint_of(node)) as admin:
        stats = await admin.stats(topic)
    return int(stats["subscriptions"][subscription]["msgBacklog"])


async def backlog_ends_at_0(node: NodeState, topic: Topic, subscription: str) -> None:
    """Wait until a subscription has acknowledged all, which the node notes a moment after the acks arrive."""
    await backlog_becomes(node, topic, subscription, 0)


async def backlog_becomes(node: NodeState, topic: Topic, subscription: str, messages: int) -> None:
    """Wait until a subscription has this number of messages left to acknowledge."""
    async with asyncio.timeout(TIMEOUT_S):
        while await backlog(node, topic, subscription) != messages:  # noqa: ASYNC110 - the node has to be asked
            await asyncio.sleep(0.1)
