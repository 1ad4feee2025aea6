"""Pulsar's native client and ours read each other: the payload is the JPEG itself."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pulsar
import pytest

from pulsar_cam.node import NodeState
from pulsar_cam.pictures.jpeg import encode
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.sources.pattern import PatternSource, read_pattern
from pulsar_cam.watching.stats import WatchStats

from ..lab import runs
from ..lab.streams import endpoint_of, frames, new_topic
from ..lab.xvfb import wait_until
from .watching import Watching

TIMEOUT_MS = 30_000


@pytest.fixture
def client(node: NodeState) -> Iterator[pulsar.Client]:
    logger = pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
    client = pulsar.Client(node.broker_url, logger=logger)
    yield client
    client.close()


def test_a_native_consumer_shows_our_frames(node: NodeState, client: pulsar.Client) -> None:
    topic = new_topic()
    consumer = client.subscribe(str(topic), "native")
    stats = runs.publish(lambda: PatternSource((640, 480), 30), endpoint_of(node), topic, frames=20)
    assert stats.published == 20
    numbers = []
    for _ in range(20):
        message = consumer.receive(TIMEOUT_MS)
        image = cv2.imdecode(np.frombuffer(message.data(), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        mark = read_pattern(np.asarray(image, np.uint8))
        assert mark
        numbers.append(mark.number)
        assert message.properties()["sequence"] == str(mark.number)
        assert message.partition_key() == "test-pattern"
        assert message.event_timestamp() == int(message.properties()["captured-at-ns"]) // 1_000_000
        consumer.acknowledge(message)
    assert numbers == sorted(set(numbers))


def test_a_native_producer_of_bare_jpegs_is_shown_and_what_is_no_picture_does_not_stop_it(
    node: NodeState, client: pulsar.Client
) -> None:
    topic = new_topic()
    producer = client.create_producer(str(topic))
    jpegs = [encode(frame, 80).jpeg for frame in frames(10, (640, 480))]
    with Watching(node, topic, max_age_ms=math.inf) as watching:
        for number, jpeg in enumerate(jpegs, 1):
            producer.send(b"no picture")
            producer.send(jpeg)
            shown_or_dropped(watching.stats, number)
    assert watching.viewer.numbers == list(range(10))
    assert watching.stats.received == 20
    assert watching.stats.dropped == {"not_a_frame": 10}
    assert watching.stats.gaps.missing == watching.stats.gaps.repeated == 0
    assert watching.stats.ages.newest_ms is not None


def shown_or_dropped(stats: WatchStats, pairs: int) -> None:
    """Wait until this number of pairs of a stranger and a picture have been dealt with."""
    wait_until(lambda: stats.shown == pairs and stats.dropped.total() == pairs, "picture after the stranger")
