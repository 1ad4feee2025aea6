"""Messages that no viewer can show, between frames: they are acknowledged, counted by reason, and passed."""

from __future__ import annotations

import asyncio
import contextlib
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulsar
import pytest

from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.topics import Topic

from ..lab.streams import backlog_ends_at_0, call, endpoint_of, new_topic, packets
from ..lab.xvfb import wait_until
from .watching import Publishing, Watching

LARGE = 13 << 20
KINDS: list[dict[str, Any]] = [{"max_age_ms": math.inf}, {"durable": True}, {"every_frame": True}]
NAMES = ["live", "durable", "every frame"]


@pytest.fixture
def client(node: NodeState) -> Iterator[pulsar.Client]:
    client = pulsar.Client(node.broker_url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    yield client
    client.close()


def publish_around_a_large_one(client: pulsar.Client, topic: Topic) -> None:
    """Publish three frames, 13 MiB in chunks, which no limit of a node's forbids, and three frames."""
    producer = client.create_producer(str(topic), chunking_enabled=True, batching_enabled=False)
    jpegs = [packet.jpeg for packet in packets(6)]
    for payload in (*jpegs[:3], bytes(LARGE), *jpegs[3:]):
        producer.send(payload)
    producer.close()


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_message_that_is_too_large_to_read_is_passed(
    node: NodeState, client: pulsar.Client, kind: dict[str, Any]
) -> None:
    topic = new_topic()
    with Watching(node, topic, **kind) as watching:
        publish_around_a_large_one(client, topic)
        watching.receives_more(7 - watching.stats.received)
        if "max_age_ms" not in kind:
            asyncio.run(backlog_ends_at_0(node, topic, "viewer1"))
    assert watching.stats.dropped["too_large"] == 1
    assert watching.stats.images == 6
    assert watching.stats.session
    assert watching.stats.session.reconnects == 0


def test_viewers_are_back_after_messages_that_fill_the_heap_of_the_node(
    node: NodeState, client: pulsar.Client
) -> None:
    """Each viewer's copy takes several times the message, and a node that runs out of heap delivers no more."""
    topic = new_topic()
    with contextlib.ExitStack() as stack:
        viewers = [
            stack.enter_context(Watching(node, topic, subscription=f"viewer{number}", durable=number == 0))
            for number in range(4)
        ]
        stack.enter_context(Publishing(node, topic))
        producer = client.create_producer(str(topic), chunking_enabled=True, batching_enabled=False)
        for size in (5_000_000, 9_000_000, 13_000_000):
            producer.send(bytes(size))
            before = [viewer.stats.shown for viewer in viewers]
            wait_until(
                lambda: all(v.stats.shown > shown + 10 for v, shown in zip(viewers, before, strict=True)),  # noqa: B023
                f"frames for all viewers after {size} bytes",
            )


@pytest.mark.parametrize("kind", KINDS[1:], ids=NAMES[1:])
def test_a_message_that_is_too_large_is_passed_by_a_viewer_that_was_away(
    node: NodeState, client: pulsar.Client, kind: dict[str, Any]
) -> None:
    topic = new_topic()
    call(endpoint_of(node), "PUT", f"/{topic.path}")
    with Watching(node, topic, **kind):
        pass
    publish_around_a_large_one(client, topic)
    with Watching(node, topic, **kind) as watching:
        watching.receives_more(7 - watching.stats.received)
        asyncio.run(backlog_ends_at_0(node, topic, "viewer1"))
    assert watching.stats.dropped["too_large"] == 1
    with Watching(node, topic, **kind) as again:
        publish_around_a_large_one(client, topic)
        again.receives_more(7 - again.stats.received)
    assert again.stats.dropped["too_large"] == 1


@pytest.fixture
def keys(tmp_path: Path) -> pulsar.CryptoKeyReader:
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    run = ["openssl", "genrsa", "-out", str(private), "2048"]
    subprocess.run(run, check=True, capture_output=True)
    run = ["openssl", "rsa", "-in", str(private), "-pubout", "-out", str(public)]
    subprocess.run(run, check=True, capture_output=True)
    return pulsar.CryptoKeyReader(str(public), str(private))


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_an_encrypted_message_is_counted_and_passed(
    node: NodeState, client: pulsar.Client, keys: pulsar.CryptoKeyReader, kind: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    topic = new_topic()
    with Watching(node, topic, **kind) as watching:
        plain = client.create_producer(str(topic), batching_enabled=False)
        encrypted = client.create_producer(str(topic), encryption_key="cam", crypto_key_reader=keys)
        for packet in packets(4):
            encrypted.send(packet.jpeg)
            plain.send(packet.jpeg)
        watching.receives_more(8 - watching.stats.received)
        if "max_age_ms" not in kind:
            asyncio.run(backlog_ends_at_0(node, topic, "viewer1"))
    assert watching.stats.dropped["encrypted"] == 4
    assert watching.stats.images == 4
    assert caplog.text.count("skipped a message that its publisher encrypted") == 1
