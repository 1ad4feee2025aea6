"""Consumers of every kind and readers on a real node: who gets which message, from where, and after a break."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pulsar_cam.errors import InvalidOption, NamespaceNotFound, RequestRejected, TopicNotFound
from pulsar_cam.frame import Packet
from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.wire import Delivery
from pulsar_cam.pulsar.sessions.consumer import Consumer, SubscriptionType
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.sessions.pull import PullConsumer
from pulsar_cam.pulsar.sessions.reader import Reader
from pulsar_cam.pulsar.sessions.receiving import Receiving
from pulsar_cam.pulsar.topics import Topic, TopicPattern

from ..lab.link import Link, link_to
from ..lab.streams import TIMEOUT_S, backlog_ends_at_0, call, endpoint_of, new_topic, packets, send_all

PACKETS = packets(12, size=(64, 48))
QUIET_S = 0.7


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [int(delivery.properties["sequence"]) for delivery in deliveries]


async def publish(endpoint: Endpoint, topic: Topic, to_send: list[Packet] = PACKETS) -> list[str]:
    """Publish packets; return the ids of their messages."""
    async with Producer(endpoint, topic) as producer:
        return [receipt.message_id or "" for receipt in await send_all(producer, to_send)]


async def take(receiving: Receiving, count: int) -> list[Delivery]:
    """Return the next `count` deliveries, or those that come before it is quiet."""
    found: list[Delivery] = []
    deliveries = receiving.__aiter__()
    while len(found) < count:
        try:
            found.append(await asyncio.wait_for(anext(deliveries), QUIET_S if found else TIMEOUT_S))
        except TimeoutError:
            break
        if isinstance(receiving, Consumer):
            await receiving.ack(found[-1])
    return found


def interrupt(link: Link) -> None:
    link.cut()
    link.mend()


def namespace_without_automatic_topics(node: NodeState, name: str) -> None:
    path = f"/namespaces/public/{name}"
    call(endpoint_of(node), "PUT", path)
    call(endpoint_of(node), "POST", f"{path}/autoTopicCreation", {"allowAutoTopicCreation": False})


@pytest.mark.parametrize(("start", "expected"), [("earliest", list(range(12))), ("id of 4", list(range(5, 12)))])
def test_a_reader_begins_where_it_is_asked_to(node: NodeState, start: str, expected: list[int]) -> None:
    async def main() -> list[int]:
        endpoint, topic = endpoint_of(node), new_topic()
        ids = await publish(endpoint, topic)
        async with Reader(endpoint, topic, ids[4] if start == "id of 4" else start) as reader:
            return numbers(await take(reader, len(expected)))

    assert asyncio.run(main()) == expected


def test_a_reader_of_the_latest_gets_what_is_published_from_then_on(node: NodeState) -> None:
    async def main() -> list[int]:
        endpoint, topic = endpoint_of(node), new_topic()
        await publish(endpoint, topic, PACKETS[:3])
        async with Reader(endpoint, topic) as reader:
            await publish(endpoint, topic, PACKETS[5:8])
            return numbers(await take(reader, 3))

    assert asyncio.run(main()) == [5, 6, 7]


@pytest.mark.parametrize("has_admin_api", [True, False])
def test_a_reader_begins_at_a_time(node: NodeState, has_admin_api: bool) -> None:
    async def main() -> list[list[int]]:
        endpoint, topic = endpoint_of(node), new_topic()
        await publish(endpoint, topic, PACKETS[:6])
        await asyncio.sleep(0.05)
        between = datetime.now(UTC)
        await asyncio.sleep(0.05)
        await publish(endpoint, topic, PACKETS[6:])
        if not has_admin_api:
            endpoint = replace(endpoint, admin_url="http://127.0.0.1:9")
        found = []
        for start, count in ((between, 6), (between - timedelta(days=1), 12)):
            async with Reader(endpoint, topic, start) as reader:
                found.append(numbers(await take(reader, count)))
        return found

    assert asyncio.run(main()) == [list(range(6, 12)), list(range(12))]


def test_a_reader_of_a_time_to_come_waits_for_it(node: NodeState) -> None:
    async def main() -> list[int]:
        endpoint, topic = endpoint_of(node), new_topic()
        await publish(endpoint, topic, PACKETS[:3])
        async with Reader(endpoint, topic, datetime.now(UTC) + timedelta(seconds=0.4)) as reader:
            await publish(endpoint, topic, PACKETS[3:6])
            await asyncio.sleep(0.6)
            await publish(endpoint, topic, PACKETS[6:9])
            return numbers(await take(reader, 3))

    assert asyncio.run(main()) == [6, 7, 8]


def test_a_reader_goes_on_behind_the_last_message_that_it_gave(node: NodeState) -> None:
    async def main() -> list[int]:
        endpoint, topic = endpoint_of(node), new_topic()
        await publish(endpoint, topic)
        with link_to(node) as link:
            async with Reader(link.endpoint, topic, "earliest") as reader:
                found = []
                async with asyncio.timeout(TIMEOUT_S):
                    async for delivery in reader:
                        found += numbers([delivery])
                        if len(found) == 5:
                            await asyncio.to_thread(interrupt, link)
                        if len(found) == 12:
                            break
                assert reader.reconnects == 1
                return found

    assert asyncio.run(main()) == list(range(12))


def test_a_reader_leaves_nothing_behind_and_is_not_sent_everything_at_once(node: NodeState) -> None:
    async def main() -> None:
        endpoint, topic = endpoint_of(node), new_topic()
        await publish(endpoint, topic)
        async with Reader(endpoint, topic, "earliest") as reader, Admin(endpoint) as admin:
            await take(reader, 1)
            (subscription,) = (await admin.stats(topic))["subscriptions"].values()
            assert subscription["isDurable"] is False
            assert subscription["msgOutCounter"] <= 2 * reader.receiver_queue + 1
        async with asyncio.timeout(TIMEOUT_S), Admin(endpoint) as admin:
            while (await admin.stats(topic))["subscriptions"]:  # noqa: ASYNC110 - the node says it only when asked
                await asyncio.sleep(0.1)

    asyncio.run(main())


def test_a_reader_of_a_non_persistent_topic_gets_what_comes(node: NodeState) -> None:
    async def main() -> list[int]:
        endpoint, topic = endpoint_of(node), new_topic("non-persistent")
        async with Reader(endpoint, topic, datetime.now(UTC)) as reader:
            await publish(endpoint, topic, PACKETS[:3])
            return numbers(await take(reader, 3))

    assert asyncio.run(main()) == [0, 1, 2]


def test_a_reader_of_what_is_not_there_says_so(node: NodeState) -> None:
    async def main() -> None:
        endpoint = endpoint_of(node)
        with pytest.raises(TopicNotFound):
            await Reader(endpoint, Topic.parse("public/no-auto/cam")).open()
        with pytest.raises(NamespaceNotFound):
            await Reader(endpoint, Topic.parse("public/nowhere/cam")).open()
        partitioned = new_topic()
        async with Admin(endpoint) as admin:
            await admin.create_topic(partitioned, 3)
        ids = await publish(endpoint, partitioned)
        with pytest.raises(RequestRejected, match="read each partition"):
            await Reader(endpoint, partitioned, ids[0]).open()

    namespace_without_automatic_topics(node, "no-auto")
    asyncio.run(main())


def test_a_pull_consumer_gets_what_it_asks_for_and_no_more(node: NodeState) -> None:
    async def main() -> None:
        endpoint, topic = endpoint_of(node), new_topic()
        async with PullConsumer(endpoint, topic, "worker", durable=True) as consumer:
            await publish(endpoint, topic)
            await consumer.pull(2)
            deliveries = consumer.__aiter__()

            async def next_one() -> Delivery:
                return await anext(deliveries)

            found = [await asyncio.wait_for(anext(deliveries), TIMEOUT_S) for _ in range(2)]
            waiting = asyncio.create_task(next_one())
            await asyncio.wait([waiting], timeout=QUIET_S)
            assert not waiting.done()
            await consumer.pull(3)
            found.append(await asyncio.wait_for(waiting, TIMEOUT_S))
            found += [await asyncio.wait_for(anext(deliveries), TIMEOUT_S) for _ in range(2)]
            assert numbers(found) == [0, 1, 2, 3, 4]

    asyncio.run(main())


def test_what_a_pull_consumer_asked_for_comes_on_the_next_session(node: NodeState) -> None:
    async def main() -> None:
        endpoint, topic = endpoint_of(node), new_topic()
        with link_to(node) as link:
            async with PullConsumer(link.endpoint, topic, "worker", durable=True) as consumer:
                await consumer.pull(4)
                waiting = asyncio.create_task(take(consumer, 4))
                await asyncio.sleep(0.3)
                await asyncio.to_thread(interrupt, link)
                async with asyncio.timeout(TIMEOUT_S):
                    while not consumer.reconnects:  # noqa: ASYNC110 - it reconnects in another task
                        await asyncio.sleep(0.05)
                await publish(endpoint, topic)
                assert numbers(await waiting) == [0, 1, 2, 3]
                assert consumer.reconnects == 1

    asyncio.run(main())


def test_a_message_that_is_refused_comes_again(node: NodeState) -> None:
    async def main() -> None:
        endpoint, topic = endpoint_of(node), new_topic()
        kind = SubscriptionType.SHARED  # with one consumer only, Pulsar does not count
        async with Consumer(endpoint, topic, "worker", durable=True, kind=kind, redelivery_delay_s=0.2) as consumer:
            await publish(endpoint, topic, PACKETS[:3])
            seen: list[tuple[int, int]] = []
            async with asyncio.timeout(TIMEOUT_S):
                async for delivery in consumer:
                    (number,) = numbers([delivery])
                    seen.append((number, delivery.redelivery_count))
                    if seen.count((1, 0)) and len(seen) == 2:
                        await consumer.nack(delivery)
                    else:
                        await consumer.ack(delivery)
                    if len(seen) == 4:
                        break
            assert sorted(seen) == [(0, 0), (1, 0), (1, 1), (2, 0)]
            await backlog_ends_at_0(node, topic, "worker")

    asyncio.run(main())


async def shared_by_two(node: NodeState, kind: SubscriptionType, to_send: list[Packet] = PACKETS) -> list[list[int]]:
    """Return what each of two consumers of one subscription gets."""
    endpoint, topic = endpoint_of(node), new_topic()
    async with (
        Consumer(endpoint, topic, "workers", kind=kind, durable=True) as first,
        Consumer(endpoint, topic, "workers", kind=kind, durable=True) as second,
    ):
        taking = [asyncio.create_task(take(each, len(to_send))) for each in (first, second)]
        await asyncio.sleep(0.2)
        await publish(endpoint, topic, to_send)
        await asyncio.wait(taking, timeout=3)
        for each in taking:
            each.cancel()
        await asyncio.wait(taking)
        return [numbers(each.result()) if not each.cancelled() else [] for each in taking]


def test_shared_consumers_divide_the_messages(node: NodeState) -> None:
    first, second = asyncio.run(shared_by_two(node, SubscriptionType.SHARED))
    assert first
    assert second
    assert sorted(first + second) == list(range(12))


def test_of_failover_consumers_one_gets_all(node: NodeState) -> None:
    found = asyncio.run(shared_by_two(node, SubscriptionType.FAILOVER))
    assert sorted(found) == [[], list(range(12))]


def test_consumers_by_key_each_get_all_of_a_key_in_order(node: NodeState) -> None:
    to_send = [replace(packet, key=f"lane-{number % 4}") for number, packet in enumerate(PACKETS)]
    found = asyncio.run(shared_by_two(node, SubscriptionType.KEY_SHARED, to_send))
    assert sorted(found[0] + found[1]) == list(range(12))
    for got in found:
        for lane in range(4):
            in_lane = [number for number in got if number % 4 == lane]
            assert in_lane in ([], [lane, lane + 4, lane + 8])


def test_one_consumer_receives_several_topics(node: NodeState) -> None:
    async def main() -> list[int]:
        endpoint, topics = endpoint_of(node), [new_topic(), new_topic()]
        async with Consumer(endpoint, topics, "viewer1") as consumer:
            await publish(endpoint, topics[0], PACKETS[:3])
            await publish(endpoint, topics[1], PACKETS[3:6])
            found = numbers(await take(consumer, 6))
        return sorted(found)

    assert asyncio.run(main()) == list(range(6))


def test_a_pattern_takes_in_topics_that_are_created_later(node: NodeState) -> None:
    async def main() -> list[int]:
        endpoint, before = endpoint_of(node), new_topic()
        async with Admin(endpoint) as admin:
            await admin.create_topic(before)
        async with Consumer(endpoint, TopicPattern.parse(f"{before}.*"), "viewer1") as consumer:
            taking = asyncio.create_task(take_all(consumer, 2))
            await publish(endpoint, before, PACKETS[:1])
            later = Topic.parse(f"{before}-later")
            async with asyncio.timeout(TIMEOUT_S):
                while not taking.done():
                    await publish(endpoint, later, PACKETS[5:6])
                    await asyncio.sleep(0.5)
            return await taking

    assert asyncio.run(main()) == [0, 5]


async def take_all(consumer: Consumer, count: int) -> list[int]:
    found: list[int] = []
    async for delivery in consumer:
        await consumer.ack(delivery)
        found += numbers([delivery])
        if len(found) == count:
            break
    return found


def test_jumping_to_live_skips_the_backlog_of_each_topic(node: NodeState) -> None:
    async def main() -> None:
        endpoint, topics = endpoint_of(node), [new_topic(), new_topic()]
        async with Consumer(endpoint, topics, "kept", durable=True) as consumer:
            for topic in topics:
                await publish(endpoint, topic)
            await consumer.jump_to_live()
            for topic in topics:
                await backlog_ends_at_0(node, topic, "kept")

    asyncio.run(main())


def test_one_missing_topic_of_several_is_a_sentence(node: NodeState) -> None:
    async def main() -> None:
        topics = [Topic.parse("public/no-auto2/a"), Topic.parse("public/no-auto2/b")]
        with pytest.raises(RequestRejected, match="one of them does not exist"):
            await Consumer(endpoint_of(node), topics, "viewer1").open()

    namespace_without_automatic_topics(node, "no-auto2")
    asyncio.run(main())


@pytest.mark.parametrize("start", ["", "Earliest", "newest", "?", "CAAQ" * 100, datetime(2026, 1, 1)])
def test_a_reader_says_where_it_cannot_begin(start: str | datetime) -> None:
    with pytest.raises(InvalidOption, match="`start`"):
        Reader(Endpoint.of(), Topic.parse("cam"), start)
