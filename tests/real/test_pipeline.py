"""Publishing and watching from end to end on a real node, also over a link that fails."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pulsar_cam.errors import ConnectionLost, DeviceNotFound, NamespaceNotFound, SourceStopped
from pulsar_cam.frame import Frame
from pulsar_cam.node import NodeState
from pulsar_cam.publishing import encoding
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.pattern import PatternSource

from ..lab import runs
from ..lab.link import link_to
from ..lab.streams import endpoint_of, new_topic, packets, send_all
from ..lab.xvfb import wait_until
from .watching import Changing, Film, Publishing, Watching, pattern


def test_what_is_published_is_received_once_and_in_order(node: NodeState) -> None:
    topic = new_topic()
    with Watching(node, topic, max_age_ms=math.inf) as watching:
        stats = runs.publish(pattern, endpoint_of(node), topic, frames=60)
        wait_until(lambda: watching.has_received(stats.published), "last frame")
    assert stats.published == 60
    assert stats.captured == stats.published + stats.dropped.total()
    assert watching.stats.received == 60
    assert watching.stats.gaps.repeated == 0
    numbers = watching.viewer.numbers
    assert numbers == sorted(set(numbers))
    before_the_first = numbers[-1] + 1 - 60 - watching.stats.gaps.missing  # a busy machine leaves out frame 0
    assert 0 <= before_the_first <= numbers[0]


def test_a_film_is_published_to_its_end(node: NodeState) -> None:
    topic = new_topic()
    with Watching(node, topic, max_age_ms=math.inf) as watching:
        stats = runs.publish(lambda: Film(25), endpoint_of(node), topic)
        wait_until(lambda: watching.has_received(stats.published), "last frame")
    assert stats.captured == 25
    assert stats.published + stats.dropped.total() == 25
    assert stats.published == watching.stats.received


def test_watching_ends_after_so_many_frames_or_so_much_time(node: NodeState) -> None:
    topic = new_topic()
    with Publishing(node, topic):
        counted = runs.watch(endpoint_of(node), topic, "counted", frames=10)
        timed = runs.watch(endpoint_of(node), topic, "timed", duration_s=1)
    assert counted.received == 10
    assert timed.received > 0
    assert "connected" not in (counted.status, timed.status)


def test_publishing_ends_after_so_much_time(node: NodeState) -> None:
    stats = runs.publish(pattern, endpoint_of(node), new_topic(), duration_s=1)
    assert stats.published > 0
    assert "stopped" not in stats.dropped


def test_messages_that_are_no_frames_are_counted_and_the_stream_goes_on(node: NodeState) -> None:
    topic, (picture, *_) = new_topic(), packets(1)
    texts = (b"text", b"\xff\xd8\xff", picture.jpeg[:-200])
    strangers = [replace(picture, jpeg=jpeg, sequence=None) for jpeg in texts] * 5

    async def send() -> None:
        async with Producer(endpoint_of(node), topic) as producer:
            await send_all(producer, [*strangers, picture])

    with Watching(node, topic, max_age_ms=math.inf) as watching:
        asyncio.run(send())
        wait_until(lambda: watching.stats.shown == 1, "picture after the strangers")
    assert watching.stats.received == 16
    # A damaged picture that a newer message replaced before it was decoded counts as superseded.
    assert watching.stats.dropped["not_a_frame"] >= 10
    assert watching.stats.dropped.total() == 15


def test_publisher_and_viewer_go_on_after_their_connections_broke(node: NodeState) -> None:
    topic = new_topic()
    with link_to(node) as link, Watching(link, topic) as watching, Publishing(link, topic) as published:
        wait_until(lambda: watching.has_received(10), "frames before the cut")
        for _ in range(2):
            link.cut()
            wait_until(lambda: "reconnecting" in published.status, "notice of the cut")
            wait_until(lambda: "reconnecting" in watching.stats.status, "notice of the cut")
            link.mend()
            watching.receives_more(10)
    assert published.session
    assert published.session.reconnects == 2
    assert published.dropped["disconnected"] > 0
    assert watching.viewer.numbers == sorted(set(watching.viewer.numbers))


def test_so_many_frames_are_published_although_some_were_lost_on_the_way(node: NodeState) -> None:
    with link_to(node) as link, ThreadPoolExecutor(1) as pool:
        stats = PublishStats()
        ended = pool.submit(runs.publish, pattern, link.endpoint, new_topic(), frames=40, stats=stats)
        wait_until(lambda: stats.published > 10, "frames before the cut")
        link.freeze()
        wait_until(lambda: stats.dropped["in_flight_full"] > 0, "messages in flight")
        link.cut()
        link.thaw()
        link.mend()
        ended.result(30)
    assert stats.dropped["unacknowledged"] > 0
    assert stats.published == 40


def test_a_film_whose_end_finds_no_node_is_no_success(node: NodeState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "DRAIN_S", 1.0)
    stats = PublishStats()
    with link_to(node) as link, ThreadPoolExecutor(1) as pool:
        ended = pool.submit(runs.publish, lambda: Film(60), link.endpoint, new_topic(), stats=stats)
        wait_until(lambda: stats.published > 5, "frames before the cut")
        link.cut()
        with pytest.raises(ConnectionLost, match="last frames were not acknowledged"):
            ended.result(30)
    assert stats.captured == stats.published + stats.dropped.total() == 60


def test_capture_goes_on_while_the_node_holds_its_receipts(node: NodeState) -> None:
    topic = new_topic()
    with link_to(node) as link, Publishing(link, topic) as published:
        wait_until(lambda: published.published > 5, "frames before the hold")
        link.freeze()
        wait_until(lambda: published.dropped["in_flight_full"] > 10, "drops while the receipts are held")
        assert published.session
        most, window = published.session.in_flight, published.session.window
        before = published.published
        link.thaw()
        wait_until(lambda: published.published > before + 10, "frames after the hold")
    assert most == window
    assert published.dropped["unacknowledged"] == 0


def test_a_stop_ends_both_while_the_link_is_frozen(node: NodeState) -> None:
    topic = new_topic()
    with link_to(node) as link:
        with Watching(link, topic) as watching, Publishing(link, topic) as published:
            wait_until(lambda: watching.has_received(5), "frames before the freeze")
            link.freeze()
            wait_until(lambda: published.dropped["in_flight_full"] > 0, "full window")
            assert published.session
        assert published.dropped["unacknowledged"] <= published.session.window
        link.thaw()


def test_a_source_that_stops_ends_the_run_with_its_error_after_what_was_captured(node: NodeState) -> None:
    class Unplugged(PatternSource):
        def read(self) -> Frame | None:
            frame = super().read()
            if frame and frame.sequence == 10:
                raise SourceStopped("camera-0", "no frame for 5 s", "check the cable")
            return frame

    stats = PublishStats()
    with pytest.raises(SourceStopped, match="camera-0 stopped"):
        runs.publish(
            lambda: Unplugged((320, 240), 30), endpoint_of(node), new_topic(), exit_on_camera_loss=True, stats=stats
        )
    assert stats.captured == 10
    assert stats.captured == stats.published + stats.dropped.total()


@pytest.mark.parametrize("keeps_jpeg", [False, True])
def test_a_picture_may_change_its_size_in_mid_stream(node: NodeState, keeps_jpeg: bool) -> None:
    topic = new_topic()
    with Watching(node, topic) as watching, Publishing(node, topic, lambda: Changing(keeps_jpeg)) as published:
        wait_until(lambda: watching.viewer.sizes >= set(Changing.SIZES), "every size")
    assert published.dropped["encode_error"] == watching.stats.dropped["not_a_frame"] == 0
    assert watching.viewer.numbers == sorted(set(watching.viewer.numbers))


def test_while_a_camera_is_lost_cards_say_so_and_all_is_counted(node: NodeState) -> None:
    topic, is_plugged = new_topic(), threading.Event()

    class Camera(PatternSource):
        def read(self) -> Frame | None:
            frame = super().read()
            if frame and frame.sequence == 10 and not is_plugged.is_set():
                raise SourceStopped("camera-0", "no good frame for 5 s", "check the cable")
            return frame

    def open_camera() -> Camera:
        if published.captured and not is_plugged.is_set():
            raise DeviceNotFound("0", [])
        return Camera((320, 240), 30)

    notice = "test-pattern stopped: no good frame for 5 s, trying again"
    with Watching(node, topic) as watching:
        publishing = Publishing(node, topic, lambda: open_camera())
        published = publishing.stats
        with publishing:
            wait_until(lambda: watching.stats.dropped["notice"] >= 2, "two cards")
            assert str(watching.stats.notice) == watching.stats.waiting_for(topic) == notice
            assert notice in published.parts[0]
            assert published.session
            is_plugged.set()
            wait_until(lambda: watching.stats.shown > 20, "frames after the loss")
    assert str(watching.stats.notice) == ""
    assert published.captured > 20
    assert published.cards >= watching.stats.dropped["notice"]
    assert published.session.reconnects == 0
    assert watching.stats.images == watching.stats.received - watching.stats.dropped["notice"]
    assert watching.stats.gaps.repeated == 0
    assert published.as_dict()["camera"]["losses"] == 1


def test_a_source_that_blocks_for_ever_holds_up_neither_the_stop_nor_the_end(node: NodeState) -> None:
    released = threading.Event()

    class Stuck(PatternSource):
        def read(self) -> Frame | None:
            released.wait(30)
            return None

    with Publishing(node, new_topic(), lambda: Stuck((320, 240), 30)) as published:
        wait_until(lambda: published.has_begun, "session")
    runs.publish(lambda: Stuck((320, 240), 30), endpoint_of(node), new_topic(), duration_s=0.5)
    assert not released.is_set()
    assert published.captured == 0
    released.set()


def test_no_source_is_opened_for_nothing_and_no_topic_is_made_for_a_missing_source(node: NodeState) -> None:
    topic = Topic.parse("persistent://public/no-such-namespace/x")
    with pytest.raises(NamespaceNotFound):
        runs.publish(pattern, endpoint_of(node), topic)
    with pytest.raises(NamespaceNotFound):
        runs.watch(endpoint_of(node), topic, "viewer1")


def test_a_paused_viewer_goes_on_receiving(node: NodeState) -> None:
    topic = new_topic()
    with Watching(node, topic) as watching, Publishing(node, topic):
        wait_until(lambda: watching.stats.shown > 3, "frames before the pause")
        watching.viewer.is_paused = True
        wait_until(lambda: watching.stats.dropped["paused"] > 10, "frames during the pause")
        watching.viewer.is_paused = False
        shown = watching.stats.shown
        wait_until(lambda: watching.stats.shown > shown, "frames after the pause")


def test_ages_are_measured_from_the_capture(node: NodeState) -> None:
    topic, (picture,) = new_topic(), packets(1)
    minute_old = replace(picture, captured_at_ns=time.time_ns() - 60_000_000_000)

    async def send() -> None:
        async with Producer(endpoint_of(node), topic) as producer:
            await send_all(producer, [minute_old])

    with Watching(node, topic, max_age_ms=math.inf) as watching:
        asyncio.run(send())
        wait_until(lambda: watching.stats.shown == 1, "picture")
    age_ms = watching.stats.ages.newest_ms
    assert age_ms
    assert 60_000 <= age_ms < 120_000
