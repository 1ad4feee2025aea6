"""Pulsar's native client and ours read each other: the payload is the JPEG itself."""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pulsar
import pytest

from pulsar_cam.node import NodeState, folders
from pulsar_cam.node.software import java
from pulsar_cam.node.software.distribution import pulsar_home
from pulsar_cam.pictures.jpeg import encode
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.sources.pattern import PatternSource, read_pattern
from pulsar_cam.watching.stats import WatchStats

from ..lab import runs
from ..lab.streams import endpoint_of, frames, new_topic, packets
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


@pytest.mark.parametrize(
    "say", [lambda number: {}, lambda number: {"source": f"lane-{number}", "session": f"{number}"}]
)
def test_a_native_producer_with_a_key_for_each_frame_is_one_publisher(
    node: NodeState, client: pulsar.Client, say: Callable[[int], dict[str, str]]
) -> None:
    topic = new_topic()
    producer = client.create_producer(str(topic))
    with Watching(node, topic, max_age_ms=math.inf) as watching:
        for number, packet in enumerate(packets(20), 1):
            own = {"sequence": str(number % 7), **say(number)}
            producer.send(packet.jpeg, partition_key=f"frame-{number}", properties=own)
            wait_until(lambda: watching.stats.shown == number, "picture")  # noqa: B023 - it is over before the next
    assert watching.stats.dropped == {}
    assert watching.stats.gaps.repeated == 0


@pytest.mark.timeout(240, func_only=True)
def test_all_that_pulsars_own_command_produces_is_shown(node: NodeState, tmp_path: Path) -> None:
    """``pulsar-client`` over WebSocket sets another key in each message.

    It gives up, after half a minute, when a receipt is faster than its own code that waits for it. So it is not
    always 20 messages.
    """
    topic, picture = new_topic(), tmp_path / "picture.jpg"
    picture.write_bytes(packets(1)[0].jpeg)
    program = pulsar_home(folders.cache_folder(), lambda _arrived, _total: None) / "bin" / "pulsar-client"
    command: list[str | Path] = [program, "--url", node.ws_url, "produce", "-n", "20", "-r", "10", "-f", picture]
    environment = os.environ | {"JAVA_HOME": str(java.find_java().executable.parent.parent)}
    with (
        Watching(node, topic, max_age_ms=math.inf) as watching,
        subprocess.Popen([*command, str(topic)], env=environment, stdout=subprocess.PIPE, text=True) as process,
    ):
        wait_until(lambda: watching.has_received(20) or process.poll() is not None, "all messages", 180)
        process.terminate()
        output = process.communicate()[0]
        accepted = output.count('ack= {"result":"ok"')
        assert accepted > 0, output
        wait_until(lambda: watching.has_received(accepted), "all accepted messages")
    assert set(watching.stats.dropped) <= {"superseded"}  # several come at once where the machine is busy


def shown_or_dropped(stats: WatchStats, pairs: int) -> None:
    """Wait until this number of pairs of a stranger and a picture have been dealt with."""
    wait_until(lambda: stats.shown == pairs and stats.dropped.total() == pairs, "picture after the stranger")
