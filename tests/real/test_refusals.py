"""What a real node refuses, and what is said of it: by its cause, and with a next step that fits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pulsar
import pytest

from pulsar_cam.errors import LimitReached, NameInUse, ProducerExcluded, PulsarError, RequestRejected
from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.consumer import Consumer
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.sessions.session import Session
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.watching.plan import WatchPlan
from pulsar_cam.watching.watch import watch

from ..lab.streams import TIMEOUT_S, call, endpoint_of, new_topic

Opens = Callable[[Endpoint, Topic], Session]


def producer(endpoint: Endpoint, topic: Topic) -> Session:
    return Producer(endpoint, topic)


def consumer(endpoint: Endpoint, topic: Topic) -> Session:
    return Consumer(endpoint, topic, "viewer1")


def other_consumer(endpoint: Endpoint, topic: Topic) -> Session:
    return Consumer(endpoint, topic, "viewer2")


def namespace(endpoint: Endpoint, name: str, policy: str, value: object) -> Topic:
    """Make a namespace with a policy; return a topic in it that is not there yet."""
    call(endpoint, "PUT", f"/namespaces/public/{name}")
    call(endpoint, "POST", f"/namespaces/public/{name}/{policy}", value)
    return Topic.parse(f"public/{name}/cam")


def limited_topic(endpoint: Endpoint, policy: str, value: object) -> Topic:
    topic = new_topic()
    call(endpoint, "PUT", f"/{topic.path}")
    call(endpoint, "POST", f"/{topic.path}/{policy}", value)
    return topic


async def refused(open_one: Callable[[], Awaitable[None]]) -> PulsarError:
    """Return the error of what is refused, as soon as the node has taken notice of its new policy."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                await open_one()
            except PulsarError as error:
                return error
            await asyncio.sleep(0.2)


async def refused_beside(first: Session, second: Callable[[], Session]) -> PulsarError:
    async with first:

        async def open_one() -> None:
            async with second():
                pass

        return await refused(open_one)


@pytest.mark.parametrize(
    ("policy", "first", "second", "what"),
    [
        ("maxProducers", producer, producer, "producers"),
        ("maxConsumers", consumer, other_consumer, "consumers"),
        ("maxSubscriptionsPerTopic", consumer, other_consumer, "subscriptions"),
    ],
)
def test_a_limit_of_a_topic_is_not_a_name_in_use(
    node: NodeState, policy: str, first: Opens, second: Opens, what: str
) -> None:
    endpoint = endpoint_of(node)
    topic = limited_topic(endpoint, policy, 1)
    error = asyncio.run(refused_beside(first(endpoint, topic), lambda: second(endpoint, topic)))
    assert isinstance(error, LimitReached)
    assert str(error).startswith(f"topic {topic} has reached its limit of {what}; ")


def test_a_namespace_that_is_full_has_reached_its_limit_of_topics(node: NodeState) -> None:
    endpoint = endpoint_of(node)
    topic = namespace(endpoint, "full", "maxTopicsPerNamespace", 1)
    call(endpoint, "PUT", f"/{topic.path}")
    another = Topic.parse("public/full/another")

    async def create() -> None:
        async with Admin(endpoint) as admin:
            await admin.create_topic(another)

    for open_one in (create, producer(endpoint, another).open, consumer(endpoint, another).open):
        error = asyncio.run(refused(open_one))
        assert isinstance(error, LimitReached)
        assert str(error).startswith("namespace public/full has reached its limit of topics; ")


def test_a_topic_with_a_schema_that_is_enforced(node: NodeState) -> None:
    endpoint = endpoint_of(node)
    topic = namespace(endpoint, "schema", "schemaValidationEnforced", True)
    fields: list[Any] = [{"name": "x", "type": "int"}]
    schema = json.dumps({"type": "record", "name": "A", "fields": fields})
    call(endpoint, "POST", "/schemas/public/schema/cam/schema", {"type": "JSON", "schema": schema, "properties": {}})
    error = asyncio.run(refused(producer(endpoint, topic).open))
    assert isinstance(error, RequestRejected)
    assert not error.transient
    assert "our messages have no schema" in str(error)
    assert "org.apache" not in str(error)
    assert "in use" not in str(error)


def test_a_subscription_that_is_not_there_and_is_not_made(node: NodeState) -> None:
    endpoint = endpoint_of(node)
    topic = namespace(endpoint, "manual", "autoSubscriptionCreation", {"allowAutoSubscriptionCreation": False})
    call(endpoint, "PUT", f"/{topic.path}")
    error = asyncio.run(refused(Consumer(endpoint, topic, "viewer1", durable=True).open))
    assert "Subscription does not exist" in str(error)
    assert "subscribe to one that is not durable" in str(error)


def test_a_topic_that_another_producer_has_for_itself(node: NodeState) -> None:
    endpoint, topic = endpoint_of(node), new_topic()
    client = pulsar.Client(node.broker_url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    try:
        client.create_producer(str(topic), access_mode=pulsar.ProducerAccessMode.Exclusive)
        error = asyncio.run(refused(producer(endpoint, topic).open))
    finally:
        client.close()
    assert isinstance(error, ProducerExcluded)


def test_a_run_that_ends_before_its_subscription_is_free_says_so(node: NodeState) -> None:
    endpoint, topic = endpoint_of(node), new_topic()
    client = pulsar.Client(node.broker_url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    try:
        client.subscribe(str(topic), "viewer1")
        with pytest.raises(NameInUse):
            watch(endpoint, topic, WatchPlan(subscription="viewer1", duration_s=2))
    finally:
        client.close()


def test_a_subscription_of_another_kind_is_a_name_in_use(node: NodeState) -> None:
    endpoint, topic = endpoint_of(node), new_topic()
    client = pulsar.Client(node.broker_url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    try:
        client.subscribe(str(topic), "viewer1", consumer_type=pulsar.ConsumerType.Shared)
        error = asyncio.run(refused(consumer(endpoint, topic).open))
    finally:
        client.close()
    assert isinstance(error, NameInUse)
    assert "of different type" in str(error)


def test_only_the_backlog_of_the_subscription_that_is_named_is_skipped(node: NodeState) -> None:
    """Pulsar decodes this name twice: what is quoted once would be the backlog of another subscription."""
    endpoint, topic = endpoint_of(node), new_topic()
    names = ["cam+door", "cam door", "cam%20door", "a%", "s/ü"]

    async def main() -> dict[str, int]:
        client = pulsar.Client(node.broker_url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
        for name in names:
            client.subscribe(str(topic), name).close()
        sender = client.create_producer(str(topic))
        for _ in range(5):
            sender.send(b"x")
        client.close()
        async with Admin(endpoint) as admin:
            for name in ("cam+door", "a%", "s/ü"):
                await admin.skip_backlog(topic, name)
            found = (await admin.stats(topic))["subscriptions"]
        return {name: found[name]["msgBacklog"] for name in names}

    assert asyncio.run(main()) == {"cam+door": 0, "cam door": 5, "cam%20door": 5, "a%": 0, "s/ü": 0}
