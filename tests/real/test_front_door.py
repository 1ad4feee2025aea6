"""Loops over frames, and publishers of images, on a real node."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import pulsar_cam
from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.pattern import PatternSource, read_pattern

from ..lab.link import link_to
from ..lab.streams import endpoint_of, new_topic
from ..lab.xvfb import wait_until
from .watching import Publishing

SIZE = (320, 240)


def image_of(number: int) -> Any:
    return PatternSource(SIZE, 30).draw(number, time.time_ns())


@contextmanager
def reading(node: NodeState, topic: Topic, **options: Any) -> Iterator[SimpleNamespace]:
    """Loop over the frames of a topic in a thread, from when it is subscribed until the block ends."""
    stream = pulsar_cam.frames(topic, endpoint_of(node), **options)
    read, stop = SimpleNamespace(frames=[], stats=stream.stats), threading.Event()

    def loop() -> None:
        for frame in stream:
            read.frames.append(frame)
            if stop.is_set():
                break

    thread = threading.Thread(target=loop)
    thread.start()
    wait_until(lambda: stream.stats.has_begun, "subscription")
    with pulsar_cam.publisher(topic, endpoint_of(node), source="last") as camera:
        yield read
        stop.set()
        while thread.is_alive():
            camera.send(image_of(0))
            time.sleep(0.05)
    thread.join(10)


def test_a_plain_loop_gets_what_a_publisher_sends(node: NodeState) -> None:
    topic = new_topic()
    with reading(node, topic) as read, pulsar_cam.publisher(topic, endpoint_of(node), source="mine") as camera:
        for number in range(10):
            camera.send(image_of(number))
            wait_until(lambda wanted=number + 1: len(read.frames) >= wanted, "frame")  # type: ignore[misc]
    frames = [frame for frame in read.frames if frame.source == "mine"]
    marks = [read_pattern(frame.image) for frame in frames]
    assert [mark.number for mark in marks if mark] == [frame.sequence for frame in frames] == list(range(10))
    assert all(frame.image.shape == (240, 320, 3) and 0 < frame.age_ms < 5000 for frame in frames)
    assert camera.stats.captured == camera.stats.published == 10
    assert read.stats.received == read.stats.shown + read.stats.dropped.total()


def test_a_slow_loop_gets_new_frames_and_leaves_nothing_behind(node: NodeState) -> None:
    topic, numbers = new_topic(), []
    with Publishing(node, topic):
        for frame in pulsar_cam.frames(topic, endpoint_of(node)):
            numbers.append(frame.sequence or 0)
            assert frame.age_ms < 1000
            time.sleep(0.2)
            if len(numbers) == 10:
                break
    assert numbers == sorted(set(numbers))
    assert numbers[-1] - numbers[0] > 30  # of 30 a second, in 2 seconds
    threads = [thread.name for thread in threading.enumerate()]
    assert "network" not in threads


def test_async_loop_and_async_publisher(node: NodeState) -> None:
    topic = new_topic()

    async def main() -> list[int | None]:
        numbers = []
        async with pulsar_cam.frames(topic, endpoint_of(node)) as stream:
            async with pulsar_cam.publisher(topic, endpoint_of(node)) as camera:
                await camera.send(image_of(0))
                async for frame in stream:
                    numbers.append(frame.sequence)
                    if len(numbers) == 5:
                        break
                    await camera.send(image_of(0))
            assert camera.stats.published == 5
        return numbers

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


def test_every_frame_comes_again_until_it_is_acknowledged(node: NodeState) -> None:
    topic, endpoint = new_topic(), endpoint_of(node)
    every: dict[str, Any] = {"every_frame": True, "subscription": "archive"}
    with pulsar_cam.frames(topic, endpoint, **every):
        pass  # so that the subscription is there
    with pulsar_cam.publisher(topic, endpoint, plan=pulsar_cam.PublishPlan(every_frame=True)) as camera:
        for number in range(20):
            camera.send(image_of(number))
    assert camera.stats.published == 20

    first = []
    for frame in pulsar_cam.frames(topic, endpoint, **every):
        first.append(frame.sequence)
        if len(first) == 5:
            break  # the fifth was not finished with
    assert first == [0, 1, 2, 3, 4]

    with pulsar_cam.frames(topic, endpoint, auto_ack=False, **every) as stream:
        held = [frame for frame, _ in zip(stream, range(3), strict=False)]
        stream.ack(held[0])
        time.sleep(0.5)  # for the ack
    assert [frame.sequence for frame in held] == [4, 5, 6]

    rest = []
    for frame in pulsar_cam.frames(topic, endpoint, **every):
        rest.append(frame.sequence)
        if frame.sequence == 19:
            break
    assert rest == [*range(5, 20)]


def test_a_publisher_outlives_its_connection_and_counts(node: NodeState) -> None:
    with (
        link_to(node) as link,
        pulsar_cam.publisher(new_topic(), link.endpoint, plan=pulsar_cam.PublishPlan(every_frame=True)) as camera,
    ):
        for number in range(30):
            camera.send(image_of(number))
            if number == 10:
                link.cut()
                link.mend()
    assert camera.stats.captured == camera.stats.published == 30
    assert camera.stats.session
    assert camera.stats.session.reconnects == 1


def test_a_missing_namespace_is_a_sentence_without_options(node: NodeState) -> None:
    for program in (_loop, _publish):
        with pytest.raises(pulsar_cam.PulsarCamError, match="namespace public/nowhere does not exist") as raised:
            program("persistent://public/nowhere/cam", node)
        assert "--" not in str(raised.value)


def _loop(topic: str, node: NodeState) -> None:
    for _ in pulsar_cam.frames(topic, node.service_url):
        break


def _publish(topic: str, node: NodeState) -> None:
    with pulsar_cam.publisher(topic, node.service_url) as camera:
        camera.send(np.zeros((48, 64, 3), np.uint8))
