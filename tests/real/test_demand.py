"""Demand on a real node: viewers of every kind come and go, on topics of every kind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from websockets.asyncio.client import connect

from pulsar_cam.node import NodeState
from pulsar_cam.publishing.control.demand import Audience, Demand
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.consumer import Consumer
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.runtime.alongside import alongside

from ..lab.streams import TIMEOUT_S, endpoint_of, new_topic, packets, receive, send_all


async def becomes(demand: Demand, is_so: Callable[[Audience], bool]) -> None:
    """Wait until the audience is known to be so."""
    async with asyncio.timeout(TIMEOUT_S):
        while demand.audience is None or not is_so(demand.audience):  # noqa: ASYNC110 - the node has to be asked
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def publishing(node: NodeState, topic: Topic) -> AsyncIterator[tuple[Producer, Demand]]:
    endpoint = endpoint_of(node)
    demand = Demand(endpoint, topic, on_demand=True)
    async with Producer(endpoint, topic) as producer, alongside(demand.run()):
        yield producer, demand


@pytest.mark.parametrize("partitions", [0, 3], ids=["plain", "partitioned"])
@pytest.mark.parametrize("domain", ["persistent", "non-persistent"])
def test_a_viewer_is_seen_to_come_and_to_go(node: NodeState, domain: str, partitions: int) -> None:
    async def main() -> None:
        topic = new_topic(domain)
        async with Admin(endpoint_of(node)) as admin:
            await admin.create_topic(topic, partitions)
        async with publishing(node, topic) as (producer, demand):
            assert demand.is_there  # not known yet
            await becomes(demand, lambda audience: audience.consumers == 0)
            assert not demand.is_there
            async with Consumer(endpoint_of(node), topic, "viewer1") as consumer:
                await becomes(demand, lambda audience: audience.consumers > 0)
                assert demand.is_there
                await send_all(producer, packets(3))
                await receive(consumer, 3)
            await becomes(demand, lambda audience: audience.consumers == 0)
            assert not demand.is_there

    asyncio.run(main())


def test_a_reader_is_an_audience_and_a_durable_subscription_alone_is_none(node: NodeState) -> None:
    async def main() -> None:
        topic, endpoint = new_topic(), endpoint_of(node)
        async with publishing(node, topic) as (_, demand):
            async with Consumer(endpoint, topic, "archive", durable=True):
                await becomes(demand, lambda audience: audience.consumers == 1)
            await becomes(demand, lambda audience: audience == Audience(0, None))
            async with connect(f"{endpoint.ws_url}/ws/v2/reader/{topic.path}"):
                await becomes(demand, lambda audience: audience.consumers == 1)

    asyncio.run(main())


def test_the_backlog_is_that_of_the_most_advanced_viewer(node: NodeState) -> None:
    async def main() -> None:
        topic, endpoint = new_topic(), endpoint_of(node)
        async with publishing(node, topic) as (producer, demand), Consumer(endpoint, topic, "stuck"):
            await send_all(producer, packets(9))
            await becomes(demand, lambda audience: audience == Audience(1, 9))
            async with Consumer(endpoint, topic, "live") as live:
                await becomes(demand, lambda audience: audience == Audience(2, 0))
                await send_all(producer, packets(1))
                await receive(live, 1)
                await becomes(demand, lambda audience: audience == Audience(2, 0))

    asyncio.run(main())


def test_a_topic_that_is_not_there_yet_is_not_known_and_seen_when_it_is(
    node: NodeState, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        topic, endpoint = new_topic(), endpoint_of(node)
        demand = Demand(endpoint, topic, on_demand=True)
        async with alongside(demand.run()):
            await asyncio.sleep(0.7)
            assert demand.audience is None
            assert demand.is_there
            async with Producer(endpoint, topic):
                await becomes(demand, lambda audience: audience.consumers == 0)

    asyncio.run(main())
    assert caplog.messages == []


def test_a_wrong_admin_address_leaves_the_audience_unknown(node: NodeState, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        endpoint = Endpoint.of(node.service_url, admin_url="http://127.0.0.1:9")
        demand = Demand(endpoint, new_topic(), on_demand=True)
        async with alongside(demand.run()):
            async with asyncio.timeout(TIMEOUT_S):
                while not caplog.messages:  # noqa: ASYNC110 - there is nothing else to wait for
                    await asyncio.sleep(0.05)
            assert demand.audience is None
            assert demand.is_there

    asyncio.run(main())
    assert "it is not known whether" in caplog.text
