"""What runs for long takes no more and no more of anything: memory, descriptors, threads, tasks, the node's disk."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from pathlib import Path

import pytest

from pulsar_cam.frame import Packet
from pulsar_cam.node import NodeState, settings
from pulsar_cam.node.folders import disk_bytes
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.sessions import connection
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.watching.stats import WatchStats

from ..lab.endurance import TINY, Flood, Used
from ..lab.link import link_to
from ..lab.memory import needs_linux
from ..lab.mortal import mortal_node
from ..lab.streams import TIMEOUT_S, backlog, call, endpoint_of, new_topic
from ..lab.xvfb import wait_until
from .watching import Publishing, Watching

FRAMES = int(os.environ.get("PULSAR_CAM_TEST_FRAMES", "4000"))
SECONDS_A_FRAME = 0.05  # of patience
RECONNECTS = 200
PICTURES, PICTURE_BYTES = 400, 500_000
BACKLOG_BYTES = 20_000_000
SMALL_DISK = {
    "backlogQuotaDefaultLimitGB": "0.02",
    "backlogQuotaCheckIntervalInSeconds": "1",
    "managedLedgerMaxEntriesPerLedger": "8",
    "retentionCheckIntervalInSeconds": "1",
    "logSizeLimit": "4194304",
    "gcWaitTime": "1000",
    "flushInterval": "500",
    "journalMaxSizeMB": "4",
}
"""Limits of the node's disk, 20 to 100 times as small as its own, and looked at as much more often."""


@needs_linux
@pytest.mark.timeout(120 + FRAMES * SECONDS_A_FRAME, func_only=True)
def test_thousands_of_frames_leave_nothing_behind(node: NodeState) -> None:
    """Every frame, through the node and back; PULSAR_CAM_TEST_FRAMES=100000 takes minutes.

    That is a few hundred frames a second: 4 are in flight, and the node needs 10 ms for each round.
    tests/test_long_runs.py has 100,000 frames go through all that remembers frames, without a node.
    """
    topic = new_topic()
    with (
        Watching(node, topic, viewer=None, every_frame=True) as watching,
        Publishing(node, topic, lambda: Flood(FRAMES), every_frame=True) as stats,
    ):
        wait_until(lambda: watching.stats.shown >= FRAMES // 4, "a quarter", FRAMES * SECONDS_A_FRAME)
        before = Used.now(stats.network, watching.stats.network)
        wait_until(lambda: watching.stats.shown >= FRAMES - 500, "the end", FRAMES * SECONDS_A_FRAME)
        is_as_before(before, stats, watching.stats)
        wait_until(lambda: stats.published == watching.stats.shown == FRAMES, "all", 60)
    assert stats.published == watching.stats.shown == watching.stats.received == FRAMES
    assert watching.stats.gaps.missing == watching.stats.gaps.repeated == 0


@needs_linux
@pytest.mark.timeout(300, func_only=True)
def test_two_hundred_reconnections_leave_nothing_behind(
    node: NodeState, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "pulsar_cam")  # pytest keeps what is logged
    monkeypatch.setattr(connection, "backoff", lambda: itertools.repeat(0.02))
    topic = new_topic()
    with link_to(node) as link, Watching(link, topic, viewer=None) as watching, Publishing(link, topic) as stats:
        watching.receives_more(5)
        for number in range(RECONNECTS):
            if number == RECONNECTS // 4:
                watching.receives_more(20)
                before = Used.now(stats.network, watching.stats.network)
            link.cut()
            wait_until(lambda: "reconnecting" in stats.status and "reconnecting" in watching.stats.status, "notice")
            link.mend()
            watching.receives_more(1)
        is_as_before(before, stats, watching.stats)
        published_by, subscriptions = asyncio.run(clients(node, topic))
    assert (published_by, subscriptions) == (1, 1)
    assert stats.session
    assert watching.stats.session
    assert stats.session.reconnects >= RECONNECTS
    assert watching.stats.session.reconnects >= RECONNECTS


def is_as_before(before: Used, *sides: PublishStats | WatchStats) -> None:
    """Wait until publisher and viewer have no more than before; a session that is just opening has more."""
    wait_until(lambda: Used.now(*(side.network for side in sides)).is_like(before), f"use like {before}")


async def clients(node: NodeState, topic: Topic) -> tuple[int, int]:
    """Return how many publishers and subscriptions the node knows."""
    async with Admin(endpoint_of(node)) as admin:
        stats = await admin.stats(topic)
    return len(stats["publishers"]), len(stats["subscriptions"])


@pytest.mark.usefixtures("_pulsar")
@pytest.mark.timeout(240, func_only=True)
def test_a_forgotten_subscription_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 MB are published for it, and it may hold 20; tests/node/test_settings.py checks a node's own limits."""
    for name, value in SMALL_DISK.items():
        assert name in settings.SETTINGS
        monkeypatch.setitem(settings.SETTINGS, name, value)
    topic = new_topic()
    with mortal_node(tmp_path) as node:
        call(endpoint_of(node.state), "PUT", f"/{topic.path}")
        call(endpoint_of(node.state), "PUT", f"/{topic.path}/subscription/forgotten")
        empty = disk_bytes(tmp_path)
        asyncio.run(fill(node.state, topic))
        wait_until(lambda: disk_bytes(tmp_path) - empty < PICTURES * PICTURE_BYTES / 2, "free disk", 60)

        def held() -> int:
            return asyncio.run(backlog(node.state, topic, "forgotten")) * PICTURE_BYTES

        # The node looks at its quotas once a second, and takes more than one look to enforce them.
        wait_until(lambda: held() < BACKLOG_BYTES * 2, "a backlog within its limit", 60)
        assert held() > BACKLOG_BYTES / 2


async def fill(node: NodeState, topic: Topic) -> None:
    """Publish ten times what a subscription may lag behind."""
    picture = TINY + os.urandom(PICTURE_BYTES)
    async with Producer(endpoint_of(node), topic) as producer:
        for number in range(PICTURES):
            receipt = await producer.send(Packet(picture, 16, 16, time.time_ns(), sequence=number))
            if number % 10 == 0:
                assert (await asyncio.wait_for(receipt, TIMEOUT_S)).accepted
