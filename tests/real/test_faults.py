"""Faults of node and link: publisher and viewer come back by themselves, and say what is going on meanwhile."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pulsar_cam.errors import TopicTerminated
from pulsar_cam.frame import Frame
from pulsar_cam.node import NodeState
from pulsar_cam.publishing.plan import Adapt
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions import connection, opening
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.pattern import PatternSource
from pulsar_cam.sources.source import Source

from ..lab import runs
from ..lab.link import Link, link_to
from ..lab.mortal import mortal_node
from ..lab.streams import call, endpoint_of, http_of, new_topic
from ..lab.xvfb import wait_until
from .watching import Film, Publishing, Watching, pattern
from .websocket_proxy import websocket_proxy


def comes_back(watching: Watching, event: str, within_s: float = 60.0) -> None:
    """Wait until new frames are shown."""
    before = watching.stats.shown
    wait_until(lambda: watching.stats.shown > before + 5, f"frames after {event}", within_s)


def fixed(where: Link | NodeState | Endpoint, topic: Topic, source: Callable[[], Source] = pattern) -> Publishing:
    """Publish at full size, whatever happens: the numbers of the test cards are to be read."""
    return Publishing(where, topic, source, adapt=Adapt.OFF)


@pytest.mark.usefixtures("_pulsar")
@pytest.mark.timeout(300, func_only=True)
def test_live_is_back_soon_after_the_node_is(tmp_path: Path) -> None:
    """Killed, stopped in good order, and held for longer than the pings are patient."""
    topic = new_topic()
    with mortal_node(tmp_path) as node, Watching(node.state, topic) as watching, fixed(node.state, topic) as stats:
        comes_back(watching, "the start")
        for end in (node.kill, node.stop):
            end()
            wait_until(lambda: "reconnecting" in watching.stats.status, "notice of the end")
            node.start()
            comes_back(watching, "the restart")
        node.process.suspend()
        time.sleep(10)
        node.process.resume()
        comes_back(watching, "a pause of 10 s")
        node.process.suspend()
        wait_until(lambda: "reconnecting" in stats.status and "reconnecting" in watching.stats.status, "notice", 40)
        node.process.resume()
        comes_back(watching, "a pause of 25 s")
        assert stats.session
        assert stats.session.reconnects == 3
    assert watching.viewer.numbers == sorted(set(watching.viewer.numbers))


@pytest.mark.timeout(200, func_only=True)
@pytest.mark.parametrize("durable", [False, True])
def test_a_name_that_the_node_holds_for_a_lost_session_locks_nobody_out(node: NodeState, durable: bool) -> None:
    topic = new_topic()
    with link_to(node) as link, Watching(link, topic, durable=durable) as watching, fixed(link, topic) as stats:
        comes_back(watching, "the start")
        link.abandon()
        wait_until(lambda: "reconnecting" in stats.status, "notice of the loss")
        wait_until(lambda: stats.status == "connected", "session under another name")
        if durable:
            wait_until(lambda: "in use by another client" in watching.stats.status, "reason")
            time.sleep(2 * connection.NAME_PATIENCE_S)
            assert watching.stats.session
            assert watching.stats.session.reconnects == 0
            link.bury()
        comes_back(watching, "the loss of the link")
    assert stats.session
    assert stats.session.reconnects == 1


def test_a_link_that_takes_no_byte_is_given_up_and_the_next_one_taken(
    node: NodeState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PING_INTERVAL_S", 1.0)
    monkeypatch.setattr(opening, "PING_TIMEOUT_S", 2.0)
    monkeypatch.setattr(opening, "OPEN_TIMEOUT_S", 2.0)
    topic = new_topic()
    with link_to(node) as link, Watching(link, topic) as watching, fixed(link, topic) as stats:
        for _ in range(2):
            comes_back(watching, "the link is well")
            link.freeze()
            wait_until(lambda: "reconnecting" in stats.status and "reconnecting" in watching.stats.status, "notice")
            link.thaw()
        comes_back(watching, "the link is well")


@pytest.mark.timeout(200, func_only=True)
def test_what_an_administrator_does_to_a_topic_is_survived(node: NodeState) -> None:
    topic, endpoint = new_topic(), endpoint_of(node)
    with Watching(node, topic) as watching, fixed(node, topic):
        comes_back(watching, "the start")
        call(endpoint, "PUT", f"/{topic.path}/unload")
        comes_back(watching, "the topic was unloaded")
        call(endpoint, "DELETE", f"/{topic.path}?force=true")
        comes_back(watching, "the topic was deleted")


@pytest.mark.timeout(200, func_only=True)
def test_a_namespace_that_is_deleted_and_made_again_is_waited_for(node: NodeState) -> None:
    topic, endpoint = Topic.parse("public/vanishing/cam"), endpoint_of(node)
    call(endpoint, "PUT", "/namespaces/public/vanishing")
    with link_to(node) as link, Watching(link, topic) as watching, fixed(link, topic) as stats:
        comes_back(watching, "the start")
        link.cut()
        wait_until(lambda: "reconnecting" in stats.status and "reconnecting" in watching.stats.status, "notice")
        call(endpoint, "DELETE", f"/{topic.path}?force=true")
        call(endpoint, "DELETE", "/namespaces/public/vanishing")
        link.mend()
        wait_until(lambda: "public/vanishing does not exist" in stats.status, "reason at the publisher")
        wait_until(lambda: "public/vanishing does not exist" in watching.stats.status, "reason at the viewer")
        call(endpoint, "PUT", "/namespaces/public/vanishing")
        comes_back(watching, "the namespace is there again")


def test_a_topic_that_is_terminated_ends_its_publisher_with_a_sentence(node: NodeState) -> None:
    topic, endpoint = new_topic(), endpoint_of(node)
    with Watching(node, topic) as watching, ThreadPoolExecutor(1) as pool:
        ended = pool.submit(runs.publish, pattern, endpoint, topic)
        comes_back(watching, "the start")
        call(endpoint, "POST", f"/{topic.path}/terminate")
        with pytest.raises(TopicTerminated, match="takes no messages any more; use another `topic`"):
            ended.result(30)
        with pytest.raises(TopicTerminated):
            runs.publish(pattern, endpoint, topic, frames=1)


@pytest.mark.xdist_group("impatient")
@pytest.mark.timeout(300, func_only=True)
@pytest.mark.parametrize("policy", ["producer_request_hold", "producer_exception"])
def test_a_full_backlog_is_told_and_waited_for(impatient: NodeState, policy: str) -> None:
    topic, endpoint = new_topic(), endpoint_of(impatient)
    asyncio.run(make_topic_with_a_forgotten_subscription(endpoint, topic, policy))
    with Watching(impatient, topic) as watching, fixed(impatient, topic) as stats:
        comes_back(watching, "the start")
        wait_until(lambda: "no receipt" in stats.status or "quota" in stats.status, "reason", 90)
        published = stats.published
        call(endpoint, "DELETE", f"/{topic.path}/subscription/forgotten")
        comes_back(watching, "the backlog is gone", 90)
        assert stats.published > published
    asyncio.run(subscribe_and_forget(endpoint, topic))
    with (
        Watching(impatient, topic, every_frame=True, frames=200) as every,
        Publishing(impatient, topic, lambda: Film(200), every_frame=True) as stats,
    ):
        wait_until(lambda: "no receipt" in stats.status or "quota" in stats.status, "reason", 90)
        call(endpoint, "DELETE", f"/{topic.path}/subscription/forgotten")
        wait_until(lambda: every.stats.shown == 200, "every frame", 90)
    assert every.viewer.numbers == list(range(200))


async def make_topic_with_a_forgotten_subscription(endpoint: Endpoint, topic: Topic, policy: str) -> None:
    async with Admin(endpoint) as admin:
        await admin.create_topic(topic)
    quota = {"limitSize": 1_000_000, "policy": policy}
    path = f"/{topic.path}/backlogQuota?backlogQuotaType=destination_storage"
    async with http_of(endpoint) as http:
        assert (await http.send("POST", path, quota)).status_code == 204
    await subscribe_and_forget(endpoint, topic)


async def subscribe_and_forget(endpoint: Endpoint, topic: Topic) -> None:
    async with http_of(endpoint) as http:
        answer = await http.send("PUT", f"/{topic.path}/subscription/forgotten")
        assert answer.status_code == 204, answer.text


@pytest.mark.usefixtures("_pulsar")
@pytest.mark.timeout(300, func_only=True)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit the disk of one process")
def test_a_full_disk_is_told_and_costs_no_frame_that_counts(tmp_path: Path) -> None:
    topic, film_topic = new_topic(), new_topic()
    with (
        mortal_node(tmp_path) as node,
        Watching(node.state, topic) as watching,
        fixed(node.state, topic) as stats,
        Watching(node.state, film_topic, every_frame=True, frames=200) as every,
        Publishing(node.state, film_topic, lambda: Film(200), every_frame=True) as film,
    ):
        comes_back(watching, "the start")
        wait_until(lambda: film.published > 20, "frames of the film")
        node.fill_disk()
        wait_until(lambda: "no receipt" in stats.status and "no receipt" in film.status, "reason")
        # The node gives up on a message after 30 s; a film then takes another session.
        wait_until(lambda: film.session is not None and film.session.reconnects > 0, "next session of the film", 90)
        node.kill()
        node.start()
        comes_back(watching, "there is room again and the node was started")
        wait_until(lambda: every.stats.shown == 200, "every frame", 90)
        assert stats.dropped["in_flight_full"] > 0
    assert every.viewer.numbers == list(range(200))


@pytest.mark.xdist_group("impatient")
@pytest.mark.timeout(200, func_only=True)
def test_quiet_sessions_survive_a_short_idle_time_out(impatient: NodeState) -> None:
    """A viewer of a topic without frames, and a publisher whose camera gives none for eight times the time-out."""
    topic, goes_on = new_topic(), threading.Event()

    class Pausing(PatternSource):
        def read(self) -> Frame | None:
            frame = super().read()
            if frame and frame.sequence == 30:
                goes_on.wait(90)
            return frame

    with (
        Watching(impatient, topic) as watching,
        Watching(impatient, new_topic(), subscription="quiet") as quiet,
        fixed(impatient, topic, lambda: Pausing((320, 240), 30)) as stats,
    ):
        wait_until(lambda: stats.captured == 30, "pause")
        time.sleep(16)
        goes_on.set()
        comes_back(watching, "the pause")
        sessions = [stats.session, watching.stats.session, quiet.stats.session]
        assert [session.reconnects for session in sessions if session] == [0, 0, 0]


@pytest.mark.timeout(200, func_only=True)
def test_a_websocket_proxy_that_dies_and_comes_back_is_survived(node: NodeState, tmp_path: Path) -> None:
    topic = new_topic()
    with websocket_proxy(node, tmp_path) as proxy:
        endpoint = Endpoint.of(node.service_url, ws_url=proxy.ws_url)
        with Watching(endpoint, topic) as watching, fixed(endpoint, topic) as stats:
            comes_back(watching, "the start")
            proxy.kill()
            wait_until(lambda: "reconnecting" in stats.status and "reconnecting" in watching.stats.status, "notice")
            proxy.start()
            comes_back(watching, "the restart")
        with Watching(endpoint, topic, every_frame=True, frames=90) as every:
            with Publishing(endpoint, topic, lambda: Film(90), every_frame=True) as film:
                wait_until(lambda: film.published > 30, "frames before the end")
                proxy.kill()
                proxy.start()
                wait_until(lambda: film.published == 90, "all receipts")
            wait_until(lambda: every.stats.shown == 90, "every frame")
    assert every.viewer.numbers == list(range(90))
