"""Sessions that stay open after what is behind them in the node has died: they are noticed, and opened again."""

from __future__ import annotations

import time

import pytest

from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.topics import Topic

from ..lab.streams import call, endpoint_of, new_topic
from ..lab.xvfb import wait_until
from .watching import Publishing, Watching

BACK_WITHIN_S = 10.0
KINDS = [{}, {"durable": True}, {"every_frame": True}]
NAMES = ["live", "durable", "every frame"]


@pytest.fixture(scope="module")
def careful_namespace(node: NodeState) -> str:
    """Return a namespace in which no topic is created unless asked for, as is usual in production."""
    endpoint = endpoint_of(node)
    call(endpoint, "PUT", "/namespaces/public/careful")
    call(endpoint, "POST", "/namespaces/public/careful/autoTopicCreation", {"allowAutoTopicCreation": False})
    return "public/careful"


def sees_nothing_for(watching: Watching, most_s: float, watched_s: float) -> None:
    """Watch the viewer; assert that it is never without a new frame for longer than `most_s`."""
    until_s, changed_at_s, received = time.monotonic() + watched_s, time.monotonic(), watching.stats.received
    while (now_s := time.monotonic()) < until_s:
        if watching.stats.received != received:
            received, changed_at_s = watching.stats.received, now_s
        assert now_s - changed_at_s < most_s, watching.stats.status
        time.sleep(0.05)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_viewer_of_a_topic_that_is_made_again_sees_its_new_publisher(
    node: NodeState, careful_namespace: str, kind: dict[str, bool]
) -> None:
    endpoint, topic = endpoint_of(node), Topic.parse(f"{careful_namespace}/{new_topic().name}")
    call(endpoint, "PUT", f"/{topic.path}")
    with Watching(node, topic, **kind) as watching:
        with Publishing(node, topic):
            watching.receives_more(20)
        call(endpoint, "DELETE", f"/{topic.path}?force=true")
        time.sleep(3)
        call(endpoint, "PUT", f"/{topic.path}")
        made_at_s = time.monotonic()
        with Publishing(node, topic):
            watching.receives_more(20)
            assert time.monotonic() - made_at_s < BACK_WITHIN_S
            assert watching.stats.status == "connected"
    assert watching.stats.session
    assert watching.stats.session.reconnects >= 1


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_publisher_and_a_viewer_find_each_other_on_a_topic_that_is_made_again(
    node: NodeState, careful_namespace: str, kind: dict[str, bool]
) -> None:
    endpoint, topic = endpoint_of(node), Topic.parse(f"{careful_namespace}/{new_topic().name}")
    call(endpoint, "PUT", f"/{topic.path}")
    with Watching(node, topic, **kind) as watching, Publishing(node, topic):
        watching.receives_more(20)
        call(endpoint, "DELETE", f"/{topic.path}?force=true")
        time.sleep(3)
        call(endpoint, "PUT", f"/{topic.path}")
        made_at_s = time.monotonic()
        watching.receives_more(20)
        assert time.monotonic() - made_at_s < BACK_WITHIN_S


def test_a_viewer_of_a_topic_that_is_gone_says_so(node: NodeState, careful_namespace: str) -> None:
    endpoint, topic = endpoint_of(node), Topic.parse(f"{careful_namespace}/{new_topic().name}")
    call(endpoint, "PUT", f"/{topic.path}")
    with Watching(node, topic) as watching:
        call(endpoint, "DELETE", f"/{topic.path}?force=true")
        wait_until(lambda: watching.stats.status.startswith(f"stalled: topic {topic} does not exist"), "status")
        assert watching.stats.unready
        call(endpoint, "PUT", f"/{topic.path}")
        wait_until(lambda: watching.stats.status == "connected", "session")


@pytest.mark.parametrize("kind", KINDS[::2], ids=NAMES[::2])
@pytest.mark.timeout(200, func_only=True)
def test_a_viewer_follows_a_camera_to_a_partition_that_is_added(node: NodeState, kind: dict[str, bool]) -> None:
    endpoint, topic = endpoint_of(node), new_topic()
    call(endpoint, "PUT", f"/{topic.path}/partitions", 1)
    with Watching(node, topic, **kind) as watching:
        with Publishing(node, topic) as published:
            watching.receives_more(20)
            call(endpoint, "POST", f"/{topic.path}/partitions", 8)
            sees_nothing_for(watching, BACK_WITHIN_S, 75)
        if kind.get("every_frame"):
            wait_until(lambda: watching.stats.shown == published.published, "all frames")


def test_a_paused_viewer_of_every_frame_is_not_stalled(node: NodeState) -> None:
    topic = new_topic()
    with Watching(node, topic, every_frame=True) as watching, Publishing(node, topic):
        watching.receives_more(20)
        watching.viewer.is_paused = True
        for _ in range(100):
            assert watching.stats.status == "connected"
            time.sleep(0.1)
        watching.viewer.is_paused = False
        watching.receives_more(20)
    assert watching.stats.session
    assert watching.stats.session.reconnects == 0


def test_an_idle_viewer_is_left_alone(node: NodeState) -> None:
    topic = new_topic()
    with Watching(node, topic) as watching:
        for _ in range(150):
            assert watching.stats.status == "connected"
            time.sleep(0.1)
        with Publishing(node, topic):
            watching.receives_more(5)
    assert watching.stats.session
    assert watching.stats.session.reconnects == 0
