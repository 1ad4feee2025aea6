"""Producer and consumer on a real node: every frame once, in order, undamaged, acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pulsar_cam.errors import InvalidOption, NameInUse, NamespaceNotFound, NodeUnreachable, RequestRejected
from pulsar_cam.node import NodeState
from pulsar_cam.pictures.jpeg import decode
from pulsar_cam.pulsar.admin.admin import Admin, node_limits
from pulsar_cam.pulsar.admin.topic_policy import TopicPolicy
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.wire import max_jpeg_bytes, packet_of
from pulsar_cam.pulsar.sessions.consumer import Consumer
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.pattern import read_pattern
from pulsar_cam.watching.live import Live
from pulsar_cam.watching.plan import WatchPlan
from pulsar_cam.watching.stats import WatchStats

from ..lab.streams import TIMEOUT_S, backlog_ends_at_0, endpoint_of, new_topic, packets, receive, send_all

SIZES = [(640, 480), (1280, 720), (1920, 1080), (3840, 2160)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_frame_arrives_once_in_order_undamaged_and_is_acknowledged(
    node: NodeState, size: tuple[int, int]
) -> None:
    topic, sent = new_topic(), packets(12, size, quality=95)

    async def main() -> None:
        async with Consumer(endpoint_of(node), topic, "viewer1", durable=True) as consumer:
            async with Producer(endpoint_of(node), topic) as producer:
                receipts, deliveries = await asyncio.gather(send_all(producer, sent), receive(consumer, len(sent)))
            await backlog_ends_at_0(node, topic, "viewer1")
        assert all(receipt.accepted for receipt in receipts)
        received = [packet_of(delivery) for delivery in deliveries]
        assert [packet.jpeg for packet in received] == [packet.jpeg for packet in sent]
        assert [packet.sequence for packet in received] == list(range(len(sent)))
        marks = [read_pattern(decode(packet).image) for packet in received]
        assert [mark and mark.number for mark in marks] == list(range(len(sent)))

    asyncio.run(main())


def test_a_packet_keeps_its_metadata_on_the_way(node: NodeState) -> None:
    topic, (sent,) = new_topic(), packets(1)

    async def main() -> None:
        async with (
            Consumer(endpoint_of(node), topic, "viewer1") as consumer,
            Producer(endpoint_of(node), topic) as producer,
        ):
            await send_all(producer, [sent])
            (delivery,) = await receive(consumer, 1)
        received = packet_of(delivery)
        assert delivery.key == received.source == "test-pattern"
        assert received.session == producer.session
        assert (received.width, received.height, received.quality) == (320, 240, 80)
        assert received.captured_at_ns == sent.captured_at_ns
        assert sent.encoded_at_ns == received.encoded_at_ns
        assert received.sent_at_ns
        assert sent.captured_at_ns <= received.sent_at_ns <= delivery.received_at_ns

    asyncio.run(main())


def test_two_viewers_with_two_subscriptions_each_get_every_frame(node: NodeState) -> None:
    topic, sent = new_topic(), packets(20)

    async def main() -> None:
        async with (
            Consumer(endpoint_of(node), topic, "viewer1") as first,
            Consumer(endpoint_of(node), topic, "viewer2") as second,
            Producer(endpoint_of(node), topic) as producer,
        ):
            _, *both = await asyncio.gather(send_all(producer, sent), receive(first, 20), receive(second, 20))
        for deliveries in both:
            assert [packet_of(delivery).sequence for delivery in deliveries] == list(range(20))

    asyncio.run(main())


def test_a_non_persistent_topic_carries_frames_to_those_who_keep_up(node: NodeState) -> None:
    topic = new_topic("non-persistent")

    async def main() -> None:
        async with (
            Consumer(endpoint_of(node), topic, "viewer1") as consumer,
            Producer(endpoint_of(node), topic) as producer,
        ):
            for packet in packets(5):
                _, (delivery,) = await asyncio.gather(send_all(producer, [packet]), receive(consumer, 1))
                assert packet_of(delivery).sequence == packet.sequence

    asyncio.run(main())


def test_a_second_viewer_on_the_same_subscription_is_told_so(node: NodeState) -> None:
    topic = new_topic()

    async def main() -> None:
        async with Consumer(endpoint_of(node), topic, "viewer1"):
            with pytest.raises(NameInUse, match="subscription 'viewer1' is in use by another client"):
                await Consumer(endpoint_of(node), topic, "viewer1").open()

    asyncio.run(main())


def test_a_viewer_leaves_no_subscription_behind_unless_it_is_durable(node: NodeState) -> None:
    topic = new_topic()

    async def main() -> None:
        async with Producer(endpoint_of(node), topic) as producer, Admin(endpoint_of(node)) as admin:
            async with Consumer(endpoint_of(node), topic, "passing"):
                pass
            async with Consumer(endpoint_of(node), topic, "kept", durable=True):
                pass
            await send_all(producer, packets(3))
            assert list((await admin.stats(topic))["subscriptions"]) == ["kept"]
            async with Consumer(endpoint_of(node), topic, "kept", durable=True) as consumer:
                assert len(await receive(consumer, 3)) == 3

    asyncio.run(main())


def test_a_durable_subscription_that_exists_is_used_as_it_is(node: NodeState) -> None:
    topic = new_topic()

    async def main() -> None:
        async with Consumer(endpoint_of(node), topic, "kept", durable=True):
            pass
        async with Producer(endpoint_of(node), topic) as producer:
            await send_all(producer, packets(3))
        async with Consumer(endpoint_of(node), topic, "kept") as consumer:
            assert consumer.is_durable
            assert len(await receive(consumer, 3)) == 3

    asyncio.run(main())


def test_messages_without_our_metadata_and_without_a_picture_do_not_stop_the_stream(node: NodeState) -> None:
    """More of them than the receiver queue is long: one that is not acknowledged would end the deliveries."""
    topic, picture = new_topic(), packets(1)[0]
    strangers = [b"", b"not a picture", b"\xff\xd8\xff", *([b"\x00" * 1000] * 20)]

    async def main() -> None:
        async with (
            Consumer(endpoint_of(node), topic, "viewer1", durable=True) as consumer,
            Producer(endpoint_of(node), topic) as producer,
        ):
            odd = [replace(picture, jpeg=payload) for payload in strangers]
            receipts = await asyncio.gather(send_all(producer, [*odd, picture]), receive(consumer, len(odd) + 1))
            assert receipts[1][-1].payload == picture.jpeg
            await backlog_ends_at_0(node, topic, "viewer1")

    asyncio.run(main())


def test_the_window_of_messages_in_flight_is_never_passed(node: NodeState) -> None:
    topic = new_topic()

    async def main() -> None:
        async with Producer(endpoint_of(node), topic) as producer:
            receipts = []
            for packet in packets(30):
                receipts.append(await producer.send(packet))
                assert producer.in_flight <= producer.window
            await producer.drain(10)
            assert producer.in_flight == 0
            assert all(receipt.result().accepted for receipt in receipts)

    asyncio.run(main())


def test_a_text_frame_beyond_the_nodes_limit_ends_its_session_and_teaches_the_limit(node: NodeState) -> None:
    """The node's own words for the limit are read; the message is reported as lost, and the next one goes through."""
    topic, picture = new_topic(), packets(1)[0]

    async def main() -> None:
        limits = await node_limits(endpoint_of(node))
        async with Producer(endpoint_of(node), topic) as producer:
            receipts = await send_all(producer, [replace(picture, jpeg=bytes(limits.text)), picture])
            assert producer.text_limit == limits.text
            assert producer.reconnects == 1
        assert [receipt.accepted for receipt in receipts] == [False, True]

    asyncio.run(main())


def test_the_largest_jpeg_that_is_said_to_fit_does_fit(node: NodeState) -> None:
    topic, picture = new_topic(), packets(1)[0]

    async def main() -> None:
        limits = await node_limits(endpoint_of(node))
        largest = max_jpeg_bytes(limits.text, limits.message)
        assert largest > 5_000_000
        async with Producer(endpoint_of(node), topic) as producer:
            (receipt,) = await send_all(producer, [replace(picture, jpeg=bytes(largest), source="s" * 200)])
        assert receipt.accepted, receipt.problem

    asyncio.run(main())


def test_the_largest_message_is_delivered_and_many_that_are_no_pictures_do_not_stop_it(node: NodeState) -> None:
    topic, (picture,) = new_topic(), packets(1)
    largest = replace(picture, jpeg=picture.jpeg + bytes(4_000_000))
    junk = replace(picture, jpeg=b"no picture")

    async def main() -> None:
        stats, plan = WatchStats(), WatchPlan(subscription="viewer1", durable=True, frames=202)
        async with Producer(endpoint_of(node), topic) as producer:
            live = Live(Consumer(endpoint_of(node), topic, "viewer1", durable=True), plan, stats)
            watching = asyncio.create_task(live.receive())
            while not await is_subscribed(node, topic):  # noqa: ASYNC110 - the node has to be asked
                await asyncio.sleep(0.05)
            for _ in range(5):
                await send_all(producer, [picture, *[junk] * 9] * 40)
            await send_all(producer, [largest, largest])
            await asyncio.wait_for(watching, TIMEOUT_S)
        assert stats.received == 2002
        assert stats.dropped["not_a_frame"] == 1800
        assert stats.received_bytes > 8_000_000
        await backlog_ends_at_0(node, topic, "viewer1")

    asyncio.run(main())


async def is_subscribed(node: NodeState, topic: Topic) -> bool:
    """Return whether the viewer of a topic has its subscription."""
    async with Admin(endpoint_of(node)) as admin:
        stats = await admin.stats(topic)
    return "viewer1" in stats["subscriptions"]


@pytest.mark.parametrize(
    ("topic", "error"),
    [
        ("persistent://public/no-such-namespace/x", NamespaceNotFound),
        ("persistent://no-such-tenant/default/x", NamespaceNotFound),
    ],
)
def test_a_namespace_that_does_not_exist_is_named(node: NodeState, topic: str, error: type[Exception]) -> None:
    async def main() -> None:
        for session in (
            Producer(endpoint_of(node), Topic.parse(topic)),
            Consumer(endpoint_of(node), Topic.parse(topic), "viewer1"),
        ):
            with pytest.raises(error):
                await session.open()
        async with Admin(endpoint_of(node)) as admin:
            with pytest.raises(error):
                await admin.create_topic(Topic.parse(topic))

    asyncio.run(main())


def test_an_address_that_is_not_pulsars_websocket_api_is_told_from_a_missing_topic(node: NodeState) -> None:
    endpoint = Endpoint(f"{node.ws_url}/elsewhere", node.admin_url)

    async def main() -> None:
        with pytest.raises(NodeUnreachable, match="not Pulsar's WebSocket API"):
            await Producer(endpoint, new_topic()).open()

    asyncio.run(main())


def test_topics_are_created_once_and_keep_their_kind(node: NodeState) -> None:
    plain, partitioned, passing = new_topic(), new_topic(), new_topic("non-persistent")

    async def main() -> None:
        async with Admin(endpoint_of(node)) as admin:
            assert [await admin.create_topic(plain) for _ in range(2)] == [True, False]
            assert [await admin.create_topic(partitioned, 3) for _ in range(2)] == [True, False]
            assert [await admin.create_topic(passing) for _ in range(2)] == [True, False]
            assert await admin.partitions(partitioned) == 3
            with pytest.raises(InvalidOption, match="exists already with 3 partitions"):
                await admin.create_topic(partitioned, 2)
            assert await admin.create_topic(partitioned) is False
            with pytest.raises(InvalidOption, match="exists already with no partitions"):
                await admin.create_topic(plain, 2)

    asyncio.run(main())


def test_a_partitioned_topic_keeps_the_frames_of_a_camera_in_order(node: NodeState) -> None:
    topic, sent = new_topic(), packets(20)

    async def main() -> None:
        async with Admin(endpoint_of(node)) as admin:
            await admin.create_topic(topic, 3)
        async with (
            Consumer(endpoint_of(node), topic, "viewer1") as consumer,
            Producer(endpoint_of(node), topic) as producer,
        ):
            _, deliveries = await asyncio.gather(send_all(producer, sent), receive(consumer, 20))
        assert [packet_of(delivery).sequence for delivery in deliveries] == list(range(20))

    asyncio.run(main())


@pytest.mark.parametrize(
    "policy",
    [
        TopicPolicy(retention_s=3600),
        TopicPolicy(retention_bytes=100_000_000),
        TopicPolicy(retention_s=3600, retention_bytes=100_000_000),
        TopicPolicy(retention_s=3600, retention_bytes=100_000_000, ttl_s=60, backlog_bytes=50_000_000),
        TopicPolicy(ttl_s=30, backlog_bytes=1_000_000_000),
    ],
    ids=str,
)
def test_limits_of_a_topic_are_in_force_once_they_are_set(node: NodeState, policy: TopicPolicy) -> None:
    topic = new_topic()

    async def main() -> None:
        async with Admin(endpoint_of(node)) as admin:
            await admin.create_topic(topic)
            await policy.apply(admin, topic)
        in_force = {name: _own_setting(node, topic, name) for name in ("retention", "messageTTL", "backlogQuotaMap")}
        assert in_force["retention"] == _retention_of(policy)
        assert in_force["messageTTL"] == policy.ttl_s
        quota = in_force["backlogQuotaMap"].get("destination_storage", {})
        assert quota.get("limitSize") == (policy.backlog_bytes or (policy.retention_bytes or 0) // 2 or None)

    asyncio.run(main())


def _own_setting(node: NodeState, topic: Topic, name: str) -> Any:
    """Return what is set on the topic itself; None where the node's own holds."""
    answer = httpx.get(f"{node.admin_url}/admin/v2/{topic.path}/{name}", trust_env=False)
    return answer.json() if answer.content else None


def _retention_of(policy: TopicPolicy) -> dict[str, int] | None:
    if not policy.retention_s and not policy.retention_bytes:
        return None
    return {
        "retentionTimeInMinutes": policy.retention_s // 60 if policy.retention_s else -1,
        "retentionSizeInMB": policy.retention_bytes // 2**20 if policy.retention_bytes else -1,
    }


def test_a_policy_that_pulsar_refuses_is_told_in_its_words(node: NodeState) -> None:
    async def main() -> None:
        async with Admin(endpoint_of(node)) as admin:
            await admin.create_topic(topic := new_topic())
            with pytest.raises(RequestRejected, match="HTTP 412"):
                await admin.set_retention(topic, minutes=60, megabytes=1)

    asyncio.run(main())


def test_closing_a_session_twice_and_using_it_afterwards_ends_with_a_sentence(node: NodeState) -> None:
    async def main() -> None:
        producer = Producer(endpoint_of(node), new_topic())
        async with producer:
            pass
        with pytest.raises(Exception, match="this producer is closed"):
            async with asyncio.timeout(10):
                await producer.send(packets(1)[0])
        with contextlib.suppress(asyncio.CancelledError):
            await producer.close()

    asyncio.run(main())
