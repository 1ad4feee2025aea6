"""Bombs on a real topic: a viewer, with or without a window, counts each with its reason, in bounded memory."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from dataclasses import dataclass

from pulsar_cam.frame import Packet
from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic

from ..lab.bombs import bombs
from ..lab.memory import MOST_GROWTH_MB, needs_linux, peak_mb, resident_mb
from ..lab.streams import TIMEOUT_S, endpoint_of, new_topic, packets
from ..lab.xvfb import Screen
from .command_line import CommandLine, Ended, Running

BOMBS = list(bombs().values())
REFUSED = sum(bomb.refused is not None for bomb in BOMBS)
ONE_SENTENCE = "skipped a message: not a JPEG; check what else publishes there (said once, counted from here on)\n"


@dataclass
class Outcome:
    """What a viewer reported, and by how much its memory grew."""

    ended: Ended
    growth_mb: float


def watch_bombs(node: NodeState, command: CommandLine, topic: Topic, *options: str) -> Outcome:
    viewer = command.start("watch", "--topic", str(topic), "--json", "--max-age", "0", *options)
    assert viewer.process.stdout
    viewer.wait_connected(node)
    asyncio.run(publish(node, topic, packets(1)))
    wait_until_it_has(viewer, 1)
    idle_mb = resident_mb(viewer.process.pid)
    asyncio.run(publish(node, topic, [Packet(bomb.jpeg, 1, 1, time.time_ns()) for bomb in BOMBS]))
    wait_until_it_has(viewer, 1 + len(BOMBS))
    growth_mb = peak_mb(viewer.process.pid) - idle_mb
    viewer.signal(signal.SIGINT)
    return Outcome(viewer.wait(), growth_mb)


async def publish(node: NodeState, topic: Topic, to_send: list[Packet]) -> None:
    """Publish one after the other, slowly enough for a viewer to decode nearly all."""
    async with Producer(endpoint_of(node), topic) as producer:
        for packet in to_send:
            receipt = await asyncio.wait_for(await producer.send(packet), TIMEOUT_S)
            assert receipt.accepted, receipt.problem
            await asyncio.sleep(0.3)


def wait_until_it_has(viewer: Running, count: int) -> None:
    """Read the viewer's status lines until it has received this number of messages; pytest's time-out bounds it."""
    assert viewer.process.stdout
    for line in viewer.process.stdout:
        if json.loads(line)["received"] >= count:
            return
    raise AssertionError(viewer.wait())


def assert_accounted(outcome: Outcome) -> None:
    summary = outcome.ended.summary
    assert outcome.ended.err == ONE_SENTENCE
    assert summary["received"] == 1 + len(BOMBS)
    superseded = summary["dropped"].get("superseded", 0)
    assert REFUSED - superseded <= summary["dropped"]["not_a_frame"] <= REFUSED
    assert summary["shown"] + sum(summary["dropped"].values()) == summary["received"]
    assert outcome.growth_mb < MOST_GROWTH_MB


@needs_linux
def test_a_headless_viewer_survives_all_bombs(node: NodeState) -> None:
    assert_accounted(watch_bombs(node, CommandLine(node), new_topic(), "--headless"))


@needs_linux
def test_a_window_survives_all_bombs(node: NodeState, screen: Screen) -> None:
    assert_accounted(watch_bombs(node, CommandLine(node, {"DISPLAY": screen.name}), new_topic()))
