"""Every frame of a film, whatever happens on the way: on the topic, and seen once and in order."""

from __future__ import annotations

import asyncio
import json
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from pulsar_cam.errors import InvalidOption
from pulsar_cam.node import NodeState
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.publishing import encoding
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.wire import packet_of, parse_delivery
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.capture import Capture, LiveSource
from pulsar_cam.sources.opening import open_source
from pulsar_cam.sources.pattern import PatternSource

from ..lab import runs
from ..lab.link import link_to
from ..lab.mortal import mortal_node
from ..lab.streams import backlog_becomes, endpoint_of, new_topic
from ..lab.xvfb import wait_until
from .test_node import session
from .watching import Film, Publishing, Watching, pattern

FRAMES = 600
KILLS = 5
ONE_READ = 100  # messages: what Pulsar reads in parts after a kill, it can store again


def make_film(path: Path, frames: int) -> None:
    """Write a film of numbered test cards, 60 a second."""
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 60, (320, 240))
    cards = PatternSource((320, 240), fps=240)
    for _ in range(frames):
        card = cards.read()
        assert card
        film.write(card.image)
    film.release()


def publish_film(path: Path, endpoint: Endpoint, topic: Topic, stats: PublishStats) -> Future[PublishStats]:
    """Publish every frame of a film in a thread."""
    pool = ThreadPoolExecutor(1)
    ended = pool.submit(runs.publish, lambda: open_source(str(path)), endpoint, topic, every_frame=True, stats=stats)
    pool.shutdown(wait=False)
    return ended


def kept_topic(node: NodeState) -> Topic:
    """Make a topic that keeps what was acknowledged, so that a test can look later at what was stored."""
    topic = new_topic()

    async def make() -> None:
        async with Admin(endpoint_of(node)) as admin:
            await admin.create_topic(topic)
            await admin.set_retention(topic, minutes=60, megabytes=4096)

    asyncio.run(make())
    return topic


def numbers_on(node: NodeState, topic: Topic) -> list[int]:
    """Return the numbers of all packets that the topic holds."""
    numbers: list[int] = []
    with session(node, f"reader/{topic.path}?messageId=earliest&receiverQueueSize=100") as reader:
        while True:
            try:
                text = reader.recv(3)
            except TimeoutError:
                return numbers
            number = packet_of(parse_delivery(text, 0)).sequence
            assert number is not None
            numbers.append(number)
            reader.send(json.dumps({"messageId": json.loads(text)["messageId"]}))


def has_published(stats: PublishStats, more: int) -> None:
    """Wait until this number of further frames is published."""
    target = stats.published + more
    wait_until(lambda: stats.published >= target, f"{more} more frames published")


@pytest.mark.usefixtures("_pulsar")
@pytest.mark.timeout(600, func_only=True)
def test_five_kills_of_the_node_cost_no_frame_and_repeat_none(tmp_path: Path) -> None:
    make_film(tmp_path / "film.avi", FRAMES)
    stats = PublishStats()
    with mortal_node(tmp_path / "node") as node:
        endpoint, topic = endpoint_of(node.state), kept_topic(node.state)
        with Watching(node.state, topic, every_frame=True, frames=FRAMES) as watching:
            ended = publish_film(tmp_path / "film.avi", endpoint, topic, stats)
            for _ in range(KILLS):
                has_published(stats, 50)
                node.kill()
                node.start()
            assert ended.result(120).published == FRAMES
            wait_until(lambda: watching.stats.shown == FRAMES, "every frame shown")
        on_topic = numbers_on(node.state, topic)
    assert on_topic == list(range(FRAMES))
    assert watching.viewer.numbers == list(range(FRAMES))
    assert stats.dropped.total() == 0
    assert stats.session
    assert stats.session.reconnects == KILLS
    replayed = [int(number) for number in re.findall(r"Replaying (\d+) entries for dedup", node.log)]
    assert replayed
    assert max(replayed) <= ONE_READ


@pytest.mark.parametrize("deduplicates", [True, False])
def test_what_arrived_without_a_receipt_is_sent_again_and_shown_once(
    node: NodeState, monkeypatch: pytest.MonkeyPatch, deduplicates: bool
) -> None:
    if not deduplicates:
        monkeypatch.setattr(encoding, "_deduplicate", nothing)
    topic = kept_topic(node)
    with link_to(node) as link, Watching(node, topic, every_frame=True, frames=90) as watching:
        with Publishing(link, topic, lambda: Film(90), every_frame=True) as stats:
            for _ in range(3):
                has_published(stats, 10)
                link.hold_answers()
                wait_until(lambda: stats.session is not None and stats.session.in_flight >= 4, "frames in flight")
                time.sleep(0.2)  # they are on the topic by now
                link.cut()
                link.thaw()
                link.mend()
            wait_until(lambda: stats.published == 90, "all receipts")
        wait_until(lambda: watching.stats.shown == 90, "every frame shown")
    on_topic = numbers_on(node, topic)
    assert sorted(set(on_topic)) == list(range(90))
    assert (len(on_topic) == 90) is deduplicates
    assert watching.viewer.numbers == list(range(90))
    assert watching.stats.gaps.missing == 0
    assert stats.captured == 90


async def nothing(endpoint: Endpoint, topic: Topic) -> None:
    """Leave a topic as it is."""


def test_a_viewer_that_loses_its_connection_sees_every_frame_once(node: NodeState) -> None:
    topic = new_topic()
    with link_to(node) as link, Watching(link, topic, every_frame=True, frames=90) as watching:
        with Publishing(node, topic, lambda: Film(90), every_frame=True) as stats:
            for _ in range(3):
                watching.receives_more(10)
                link.cut()
                wait_until(lambda: "reconnecting" in watching.stats.status, "notice of the cut")
                link.mend()
            wait_until(lambda: stats.published == 90, "all receipts")
        wait_until(lambda: watching.stats.shown == 90, "every frame shown")
    assert watching.viewer.numbers == list(range(90))
    assert watching.stats.session
    assert watching.stats.session.reconnects == 3


def test_a_slow_viewer_holds_nothing_up_and_misses_nothing(node: NodeState) -> None:
    topic = new_topic()
    with Watching(node, topic, every_frame=True, frames=90) as watching:
        watching.viewer.is_paused = True
        with Publishing(node, topic, lambda: Film(90), every_frame=True) as stats:
            wait_until(lambda: stats.published == 90, "all receipts")
        assert watching.stats.received <= 64
        watching.viewer.is_paused = False
        wait_until(lambda: watching.stats.shown == 90, "every frame shown")
    assert watching.viewer.numbers == list(range(90))


def test_a_pause_at_any_moment_costs_no_frame(node: NodeState) -> None:
    """Also one that begins while a frame is already on its way to the screen."""
    topic = new_topic()
    with (
        Watching(node, topic, every_frame=True) as watching,
        Publishing(node, topic, lambda: Film(90), every_frame=True),
    ):
        deadline_s = time.monotonic() + 60
        while watching.stats.shown < 90 and time.monotonic() < deadline_s:
            watching.viewer.is_paused = not watching.viewer.is_paused
            time.sleep(0.003)
    assert watching.viewer.numbers == list(range(90))
    assert watching.stats.dropped["paused"] == 0


def test_a_viewer_that_comes_back_goes_on_where_it_was(node: NodeState) -> None:
    topic = new_topic()
    with (
        Watching(node, topic, every_frame=True, frames=20) as first,
        Publishing(node, topic, lambda: Film(60), every_frame=True) as stats,
    ):
        wait_until(lambda: first.stats.shown == 20, "frames of the first run")
        wait_until(lambda: stats.published == 60, "all receipts")
    with Watching(node, topic, every_frame=True, frames=40) as second:
        wait_until(lambda: second.stats.shown == 40, "frames of the second run")
    assert first.viewer.numbers + second.viewer.numbers == list(range(60))


@pytest.mark.usefixtures("_pulsar")
@pytest.mark.timeout(300, func_only=True)
def test_what_was_shown_before_the_node_was_killed_is_not_shown_again(tmp_path: Path) -> None:
    """Not even to another run of the viewer: the node has noted its place."""
    topic = new_topic()
    with mortal_node(tmp_path) as node:
        with (
            Watching(node.state, topic, every_frame=True, frames=20) as first,
            Publishing(node.state, topic, lambda: Film(60), every_frame=True) as stats,
        ):
            wait_until(lambda: first.stats.shown == 20 and stats.published == 60, "frames of the first run")
        asyncio.run(backlog_becomes(node.state, topic, "viewer1", 40))
        time.sleep(1)  # the node notes a place when it gets to it
        node.kill()
        node.start()
        with Watching(node.state, topic, every_frame=True, frames=40) as second:
            wait_until(lambda: second.stats.shown == 40, "frames of the second run")
    assert first.viewer.numbers + second.viewer.numbers == list(range(60))


def test_a_run_of_every_frame_can_be_stopped_while_no_node_answers(node: NodeState) -> None:
    with link_to(node) as link:
        with Publishing(link, new_topic(), lambda: Film(600), every_frame=True) as stats:
            has_published(stats, 10)
            link.cut()
            wait_until(lambda: "reconnecting" in stats.status, "notice of the cut")
            wait_until(lambda: stats.captured > stats.published, "frames that wait")
        assert stats.dropped["unacknowledged"] + stats.dropped["stopped"] > 0


@pytest.mark.parametrize(
    ("on_demand", "topic", "sentence"),
    [
        (True, "cam", "leaves frames out"),
        (False, "non-persistent://public/default/cam", "keeps no frame"),
    ],
)
def test_what_cannot_keep_every_frame_is_refused(on_demand: bool, topic: str, sentence: str) -> None:
    with pytest.raises(InvalidOption, match=sentence):
        runs.publish(pattern, Endpoint.of(), Topic.parse(topic), every_frame=True, on_demand=on_demand)


def test_a_live_source_cannot_wait(node: NodeState) -> None:
    source = LiveSource(Capture(cv2.VideoCapture()), "camera-0", ends=False)
    with pytest.raises(InvalidOption, match="camera-0: a camera or live stream cannot wait"):
        runs.publish(lambda: source, endpoint_of(node), new_topic(), every_frame=True)


def test_every_frame_has_no_age_limit_and_a_topic_that_keeps_it() -> None:
    with pytest.raises(InvalidOption, match="keeps no frame"):
        runs.watch(Endpoint.of(), Topic.parse("non-persistent://public/default/cam"), "viewer1", every_frame=True)
    with pytest.raises(InvalidOption, match="whatever its age"):
        runs.watch(Endpoint.of(), Topic.parse("cam"), "viewer1", every_frame=True, max_age_ms=500)
