"""Live means live: what is shown is never past its age limit, whatever link, node or viewer do."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from typing import Any

import pytest

from pulsar_cam.errors import InvalidOption
from pulsar_cam.frame import Frame, Packet
from pulsar_cam.node import NodeState
from pulsar_cam.pictures.jpeg import decode
from pulsar_cam.publishing.fit import FittingEncoder
from pulsar_cam.publishing.plan import Adapt
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sinks.viewer import Viewer
from pulsar_cam.sources.pattern import PatternSource
from pulsar_cam.sources.source import Source
from pulsar_cam.watching import watch
from pulsar_cam.watching.stats import WatchStats

from ..lab import runs
from ..lab.link import link_to
from ..lab.streams import endpoint_of, new_topic, packets, send_all
from ..lab.xvfb import wait_until
from .watching import Film, Publishing, Watching

MOST_AGE_MS = 500 + 100  # decoding comes after the look at the age


def pattern_720p() -> Source:
    return PatternSource((1280, 720), 30)


class SlowViewer(Viewer):
    """A viewer that needs 200 ms for a frame, and notes how old each was when it got it."""

    def __init__(self) -> None:
        super().__init__()
        self.ages_ms: list[float] = []

    def show(self, frame: Frame, info: object = list, packet: Packet | None = None) -> None:
        self.ages_ms.append((time.time_ns() - frame.captured_at_ns) / 1e6)
        time.sleep(0.2)


def test_no_more_pixels_are_decoded_than_are_seen(node: NodeState) -> None:
    class SmallWindow(Viewer):
        size = (160, 120)

        def show(self, frame: Frame, info: object = list, packet: Packet | None = None) -> None:
            decoded.append((frame.width, frame.height))

    topic, viewer = new_topic(), SmallWindow()
    decoded: list[tuple[int, int]] = []
    with Publishing(node, topic):
        stats = runs.watch(endpoint_of(node), topic, "small", viewer=viewer, frames=10)
    assert set(decoded) == {(160, 120)}
    assert stats.as_dict()["picture"] == "320x240 q80"


@pytest.mark.parametrize("domain", ["persistent", "non-persistent"])
def test_a_slow_viewer_sees_new_frames_and_every_other_is_counted(node: NodeState, domain: str) -> None:
    topic, viewer, stats = new_topic(domain), SlowViewer(), WatchStats()
    with Publishing(node, topic):
        runs.watch(endpoint_of(node), topic, "slow", viewer=viewer, stats=stats, duration_s=5)
    assert 5 <= stats.shown == len(viewer.ages_ms)
    assert max(viewer.ages_ms) < MOST_AGE_MS
    assert stats.received == stats.shown + stats.dropped.total()
    assert stats.dropped["superseded"] > stats.shown
    assert stats.session
    assert stats.session.jumps == 0


def test_a_viewer_on_a_link_that_is_too_narrow_jumps_to_live(node: NodeState) -> None:
    topic = new_topic()
    with link_to(node) as link, Publishing(node, topic, pattern_720p, quality=95), Watching(link, topic) as watching:
        watching.receives_more(10)
        link.bytes_per_s = 2_000_000
        session = watching.stats.session
        assert session
        wait_until(lambda: session.jumps >= 2, "jumps to live")
        shown = watching.stats.shown
        wait_until(lambda: watching.stats.shown >= shown + 5, "pictures")
        link.bytes_per_s = None
        watching.receives_more(30)
    assert session.reconnects == 0
    assert max(watching.viewer.ages_ms) < MOST_AGE_MS


def test_after_a_pause_of_the_link_what_is_old_is_not_shown(node: NodeState) -> None:
    topic = new_topic()
    with link_to(node) as link, Publishing(node, topic), Watching(link, topic) as watching:
        watching.receives_more(10)
        link.freeze()
        time.sleep(2)
        link.thaw()
        watching.receives_more(30)
    assert max(watching.viewer.ages_ms) < MOST_AGE_MS
    assert watching.stats.session
    assert watching.stats.session.jumps >= 1


def leave_behind(node: NodeState, topic: Topic, frames: int) -> None:
    """Publish frames that a durable subscription has yet to get."""
    with Watching(node, topic, durable=True):
        pass
    with Publishing(node, topic) as published:
        wait_until(lambda: published.published >= frames, "frames without a viewer")


def test_a_durable_subscription_gets_what_it_missed(node: NodeState) -> None:
    topic = new_topic()
    leave_behind(node, topic, 30)
    time.sleep(0.6)
    with Watching(node, topic, durable=True) as watching:
        wait_until(lambda: watching.has_received(30), "what was missed")
    assert watching.stats.shown > 0
    assert watching.stats.dropped["too_old"] == 0
    assert watching.stats.session
    assert watching.stats.session.jumps == 0


def test_a_durable_subscription_with_an_age_limit_jumps_to_live(node: NodeState) -> None:
    topic = new_topic()
    leave_behind(node, topic, 60)
    time.sleep(0.6)
    with Watching(node, topic, durable=True, max_age_ms=500) as watching, Publishing(node, topic):
        wait_until(lambda: watching.stats.shown > 10, "live pictures")
    assert max(watching.viewer.ages_ms) < MOST_AGE_MS
    assert watching.stats.session
    assert watching.stats.session.jumps == 1
    assert watching.stats.dropped["too_old"] > 0


def test_the_windows_fit_a_link_with_a_long_round_trip(node: NodeState) -> None:
    topic = new_topic()
    with link_to(node) as link:
        link.delay_s = 0.1
        with Watching(link, topic) as watching, Publishing(link, topic) as published:
            wait_until(lambda: published.session is not None and published.session.window >= 8, "a longer window")
            watching.receives_more(30)
            dropped, captured = published.dropped["in_flight_full"], published.captured
            wait_until(lambda: published.captured >= captured + 60, "frames")
            assert published.dropped["in_flight_full"] - dropped <= 6
        assert watching.stats.session
        assert watching.stats.session.receiver_queue >= 12
        assert watching.stats.ages.clock.offset_ns == 0


def test_frames_that_come_at_once_do_not_make_a_round_trip_longer(node: NodeState) -> None:
    topic = new_topic()
    with link_to(node) as link, Publishing(node, topic) as published:
        wait_until(lambda: published.published > 10, "frames")
        link.delay_s = 0.1
        with Watching(link, topic) as watching:
            watching.receives_more(10)
        assert watching.stats.session
        assert 12 <= watching.stats.session.receiver_queue < 50
        assert watching.stats.gaps.missing == 0


@pytest.mark.parametrize("max_age_ms", [0, -1, math.nan])
def test_an_age_limit_is_above_0(node: NodeState, max_age_ms: float) -> None:
    with pytest.raises(InvalidOption, match=r"^`max_age_ms` .*`math.inf` for no limit"):
        runs.watch(endpoint_of(node), new_topic(), "viewer1", max_age_ms=max_age_ms)


def test_a_viewer_that_reads_nothing_more_does_not_hold_up_the_others(node: NodeState) -> None:
    topic = new_topic()
    with link_to(node) as link, Watching(link, topic) as stuck, Publishing(node, topic) as published:
        with Watching(node, topic, subscription="viewer2", max_age_ms=math.inf) as other:
            other.receives_more(10)
            link.freeze()
            before = stuck.stats.received
            other.receives_more(150)
            assert stuck.stats.received - before < 30
        link.thaw()
    assert other.stats.gaps.missing <= published.dropped.total()  # all that was published came


def test_a_frame_that_comes_again_is_shown_once(node: NodeState) -> None:
    topic, sent = new_topic(), packets(5)

    async def send() -> None:
        async with Producer(endpoint_of(node), topic) as producer:
            for packet in (*sent, *sent[1:], packets(7)[6]):
                await send_all(producer, [packet])
                await asyncio.sleep(0.1)

    with Watching(node, topic, max_age_ms=math.inf) as watching:
        asyncio.run(send())
        wait_until(lambda: watching.has_received(10), "all messages")
    assert watching.viewer.numbers == [0, 1, 2, 3, 4, 6]
    assert watching.stats.dropped == {"repeated": 4}
    assert watching.stats.gaps.repeated == 4


def test_of_two_publishers_one_is_shown_until_it_is_quiet(node: NodeState, caplog: pytest.LogCaptureFixture) -> None:
    topic = new_topic()
    with Watching(node, topic) as watching:
        with Publishing(node, topic):
            watching.receives_more(10)
            with Publishing(node, topic, lambda: Film(60)) as second:
                wait_until(lambda: second.published > 10, "frames of the second publisher")
                watching.receives_more(10)
            assert watching.stats.dropped["other_publisher"] > 0
            assert len(set(watching.viewer.sessions)) == 1
        with Publishing(node, topic):
            wait_until(lambda: len(set(watching.viewer.sessions)) == 2, "frames of the third publisher")
    assert [message for message in caplog.messages if "another publisher" in message][1:] == []


def test_after_a_slow_encode_the_newest_frame_is_sent_next(node: NodeState, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the camera gave meanwhile is dropped; nothing is queued."""
    encode, captured = FittingEncoder.encode, list[int]()

    def slow(self: FittingEncoder, frame: Frame) -> Packet:
        captured.append(frame.sequence or 0)
        if len(captured) == 5:
            time.sleep(1)
            captured.append(stats.captured)
        return encode(self, frame)

    monkeypatch.setattr(FittingEncoder, "encode", slow)
    with Publishing(node, new_topic(), adapt=Adapt.OFF) as stats:
        wait_until(lambda: stats.published > 10, "frames after the slow one")
    assert captured[5] - captured[4] > 20
    assert captured[6] >= captured[5] - 1


def test_a_frame_that_is_not_shown_is_not_decoded(node: NodeState, monkeypatch: pytest.MonkeyPatch) -> None:
    topic, decoded = new_topic(), Counter[str]()

    def counting(packet: Packet, **options: Any) -> Frame:
        decoded["frames"] += 1
        return decode(packet, **options)

    monkeypatch.setattr(watch, "decode", counting)
    with Publishing(node, topic):
        stats = runs.watch(endpoint_of(node), topic, "slow", viewer=SlowViewer(), frames=60)
    assert decoded["frames"] == stats.shown < 60


def test_a_viewer_that_was_paused_and_idle_decodes_nothing(node: NodeState, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = new_topic()
    monkeypatch.setattr(watch, "decode", None)
    with Watching(node, topic) as watching:
        watching.viewer.is_paused = True
        with Publishing(node, topic):
            watching.receives_more(20)
    assert watching.stats.shown == 0
