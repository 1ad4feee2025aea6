"""The monitor on real nodes: well, down, held, slow, full, and well again by itself."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pulsar_cam.errors import TopicNotFound
from pulsar_cam.frame import Frame
from pulsar_cam.monitor.judge import PARTS
from pulsar_cam.node import NodeState
from pulsar_cam.publishing.control.demand import Demand
from pulsar_cam.pulsar.access.credentials import Token
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.runtime.alongside import alongside
from pulsar_cam.sources.pattern import PatternSource

from ..lab.link import link_to
from ..lab.mortal import mortal_node
from ..lab.streams import call, endpoint_of, new_topic, packets, send_all
from ..lab.tokens import token
from ..lab.xvfb import wait_until
from .command_line import CommandLine
from .monitoring import Monitoring
from .secured import ADMIN, CAMERA, STRANGER, TOPIC, SecuredNode
from .watching import Publishing, Watching

ONCE = ("monitor", "--once", "--budget", "2000", "--topic")


def states(found: dict[str, Any]) -> dict[str, str]:
    return {each["check"]: each["state"] for each in found["findings"]}


def check_once(node: NodeState, topic: Topic, *arguments: str) -> tuple[int, dict[str, Any]]:
    ended = CommandLine(node).run(*ONCE, str(topic), "--json", *arguments)
    found: dict[str, Any] = json.loads(ended.out)
    assert (found["command"], found["event"]) == ("monitor", "status")
    return ended.code, found


def test_a_healthy_node_and_its_stream(node: NodeState) -> None:
    topic = new_topic()
    with Publishing(node, topic) as stats, Watching(node, topic):
        wait_until(lambda: stats.published > 10, "frames")
        ended = CommandLine(node).run(*ONCE, str(topic))
        code, found = check_once(node, topic)
    assert ended.code == 0, ended
    lines = ended.out.splitlines()
    for part in PARTS:
        assert [line for line in lines if line.split()[:2] == [part, "ok"]], ended
    assert [line for line in lines if line.strip().startswith("fresh 200 kB")]
    assert "\x1b" not in ended.out
    assert (code, set(states(found).values())) == (0, {"ok"})
    assert (found["topic"]["publishers"], len(found["topic"]["subscriptions"])) == (1, 1)
    assert found["stream"]["picture"] == "320x240 q80"
    assert found["stream"]["frames"] > 10
    assert {probe["sent"] for probe in found["probes"]} == {4}
    assert {probe["lost"] + probe["refused"] + probe["repeated"] for probe in found["probes"]} == {0}
    assert all(probe["receipt_ms"] and probe["end_to_end_ms"] for probe in found["probes"])


def test_json_lines_until_it_is_stopped(node: NodeState) -> None:
    ended = CommandLine(node).run("monitor", "--topic", new_topic().name, "--interval", "1", "--duration", "4")
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0, ended
    assert [line["event"] for line in lines[:-1]] == ["status"] * (len(lines) - 1)
    assert len(lines) > 2
    assert ended.summary["rounds"] == len(lines) - 1
    assert ended.summary["sent"] == sum(probe["sent"] for probe in lines[-2]["probes"])

    running = CommandLine(node).start("monitor", "--topic", new_topic().name, "--interval", "1")
    running.wait_connected(node)
    running.signal(signal.SIGINT)
    ended = running.wait()
    assert (ended.code, ended.summary["event"]) == (130, "summary")


@pytest.mark.parametrize(
    "options",
    [("--interval", "0"), ("--budget", "-1"), ("--probe-sizes", "1,x"), ("--probe-sizes", "0"), ("--topic", "a b")],
    ids=" ".join,
)
def test_wrong_options_end_before_anything_is_sent(options: tuple[str, ...]) -> None:
    ended = CommandLine(None).run("monitor", *options)
    assert (ended.code, ended.out) == (2, "")
    assert options[0] in ended.err


@pytest.mark.parametrize("partitions", [0, 3], ids=["plain", "partitioned"])
@pytest.mark.parametrize("domain", ["persistent", "non-persistent"])
def test_topics_of_every_kind_leave_viewers_alone_and_nothing_behind(
    node: NodeState, domain: str, partitions: int
) -> None:
    topic, endpoint = new_topic(domain), endpoint_of(node)
    asyncio.run(make(endpoint, topic, partitions))
    with Publishing(node, topic) as stats, Watching(node, topic) as watching:
        wait_until(lambda: stats.published > 10, "frames")
        with Monitoring(node, topic, 6.0) as monitoring:
            monitoring.becomes("")
            view = monitoring.sees_more(2)[-1]
    but_stream = view.findings[:-1]  # frames may be late on a busy machine
    assert {each.check for each in but_stream if each.state in ("warning", "problem")} == set()
    assert view.topic
    assert (view.topic.publishers > 0, view.topic.consumers > 0, view.topic.partitions) == (True, True, partitions)
    assert view.topic.in_per_s > 0
    assert view.stream.fps > 0
    assert {probe.is_persistent for probe in view.probes} == {True, False} if topic.is_persistent else {False}
    assert watching.stats.dropped["not_a_frame"] == 0
    assert watching.viewer.numbers == sorted(set(watching.viewer.numbers))
    asyncio.run(nothing_is_left(endpoint, topic, partitions))


async def make(endpoint: Endpoint, topic: Topic, partitions: int) -> None:
    async with Admin(endpoint) as admin:
        await admin.create_topic(topic, partitions)


async def nothing_is_left(endpoint: Endpoint, topic: Topic, partitions: int) -> None:
    beside = [Topic.parse(f"{topic}-probe"), Topic.parse(f"{topic}-probe-fresh")]
    async with Admin(endpoint) as admin:
        found = [await admin.stats(each) for each in (topic, *beside)]
    assert [each["subscriptions"] for each in found] == [{}] * 3
    assert [each["publishers"] for each in found[1:]] == [[]] * 2


def test_a_topic_that_is_not_there_is_not_made(node: NodeState) -> None:
    topic, endpoint = new_topic(), endpoint_of(node)
    code, found = check_once(node, topic)
    assert (code, found["topic"], states(found)["stream"]) == (0, None, "ok")
    code, found = check_once(node, topic, "--expect-stream")
    assert (code, found["reason"]) == (1, "stream: there is no publisher")

    async def look() -> None:
        async with Admin(endpoint) as admin:
            await admin.stats(topic)

    with pytest.raises(TopicNotFound):
        asyncio.run(look())


def test_a_monitor_is_no_audience(node: NodeState) -> None:
    """So it keeps no publisher on demand awake."""

    async def consumers() -> int:
        demand = Demand(endpoint_of(node), topic, on_demand=True)
        async with alongside(demand.run()), asyncio.timeout(30):
            while demand.audience is None:  # noqa: ASYNC110 - the node has to be asked
                await asyncio.sleep(0.05)
            return demand.audience.consumers

    topic = new_topic()
    with Publishing(node, topic), Monitoring(node, topic) as monitoring:
        wait_until(lambda: bool(monitoring.views) and monitoring.views[-1].stream.frames > 0, "frames")
        assert asyncio.run(consumers()) == 0
        with Watching(node, topic):
            assert asyncio.run(consumers()) == 1


def test_a_camera_that_is_silent_is_a_problem_until_it_is_back(node: NodeState) -> None:
    topic, goes_on = new_topic(), threading.Event()

    class Pausing(PatternSource):
        def read(self) -> Frame | None:
            frame = super().read()
            if frame and frame.sequence == 30:
                goes_on.wait(60)
            return frame

    with (
        Publishing(node, topic, lambda: Pausing((320, 240), 30)) as stats,
        Monitoring(node, topic, 1.5) as monitoring,
    ):
        wait_until(lambda: stats.captured == 30, "pause")
        silent = monitoring.becomes("stream: a publisher is connected, and has sent nothing for ")
        assert silent.state == "problem"
        goes_on.set()
        monitoring.becomes("")


def test_a_publisher_that_says_why_it_has_no_picture_is_quoted(node: NodeState) -> None:
    from dataclasses import replace

    topic = new_topic()
    card = replace(packets(1)[0], notice="the cable is out")

    async def say(stop: threading.Event) -> None:
        async with Producer(endpoint_of(node), topic) as producer:
            while not stop.is_set():
                await send_all(producer, [replace(card, captured_at_ns=time.time_ns())])
                await asyncio.sleep(0.5)

    stop = threading.Event()
    saying = threading.Thread(target=lambda: asyncio.run(say(stop)))
    saying.start()
    try:
        with Monitoring(node, topic, 1.5) as monitoring:
            monitoring.becomes("stream: its publisher has no picture: the cable is out")
    finally:
        stop.set()
        saying.join(30)


@pytest.mark.timeout(200, func_only=True)
def test_a_link_that_becomes_slow_is_named_and_well_again_when_it_is_quick(node: NodeState) -> None:
    with link_to(node) as link, Monitoring(link, new_topic(), 4.0, budget_ms=700.0) as monitoring:
        monitoring.becomes("")

        def slow() -> None:
            link.delay_s = 0.4

        named = monitoring.names("probes", slow)
        assert (
            "took more than 700 ms" in named.reason or "no receipt" in named.reason or "did not come" in named.reason
        )
        link.delay_s = 0.0
        monitoring.becomes("")


@pytest.mark.usefixtures("_pulsar")
@pytest.mark.timeout(400, func_only=True)
def test_a_node_that_is_down_or_held_is_named_and_well_again_by_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    topic = new_topic()
    with mortal_node(tmp_path) as node:
        node.kill()
        with Monitoring(node.state, topic) as monitoring:  # it starts although the node is down
            reason = f"node: no Pulsar node answers at {node.state.service_url} (connection refused)"
            monitoring.becomes(reason)
            code, found = check_once(node.state, topic)
            assert (code, found["reason"]) == (1, reason)
            node.start()
            monitoring.becomes("")
            monitoring.names("node", node.kill)
            node.start()
            monitoring.becomes("")
            held = monitoring.names("node", node.process.suspend)
            assert "it accepts connections, and does not answer" in held.reason
            node.process.resume()  # before the sessions are given up, so that what was sent comes after all
            well = monitoring.becomes("")
        node.process.suspend()
        code, found = check_once(node.state, topic)
        assert code == 1
        assert "it accepts connections, and does not answer" in found["reason"]
    assert sum(probe.late for probe in well.probes) > 0
    assert well.reconnects > 0


@pytest.mark.usefixtures("_pulsar")
@pytest.mark.timeout(300, func_only=True)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit the disk of one process")
def test_a_full_disk_is_named_and_well_again_when_the_node_was_started_anew(tmp_path: Path) -> None:
    topic = new_topic()
    with mortal_node(tmp_path) as node, Monitoring(node.state, topic) as monitoring:
        monitoring.becomes("")
        named = monitoring.names("storage", node.fill_disk)
        assert [each.check for each in named.findings if each.state == "problem"] == ["storage"]
        code, found = check_once(node.state, topic)
        assert (code, found["reason"].partition(":")[0]) == (1, "storage")
        node.kill()
        node.start()
        monitoring.becomes("", 90)


@pytest.mark.xdist_group("impatient")
def test_a_quiet_session_survives_an_idle_time_out_of_2_s(impatient: NodeState) -> None:
    with Monitoring(impatient, new_topic(), 4.0) as monitoring:
        wait_until(lambda: bool(monitoring.views) and monitoring.views[-1].idle_s > 6, "6 s of silence")
        view = monitoring.views[-1]
    assert view.reconnects == 0
    assert [each.says for each in view.findings if "idle time-out of 2 s" in each.says]


@pytest.mark.xdist_group("secured")
@pytest.mark.parametrize(
    ("role", "code", "reason"),
    [
        (ADMIN, 0, ""),
        (None, 1, "node: the node wants a token, and none is given"),
        ("forged", 1, "node: the node does not accept the token"),
        (STRANGER, 1, "connect: no new session opens: our role is not allowed to subscribe to"),
        (CAMERA, 1, "connect: no new session opens: our role is not allowed to subscribe to"),
    ],
)
def test_rights(secured: SecuredNode, role: str | None, code: int, reason: str) -> None:
    secret = "forged-by-a-stranger" if role == "forged" else token(role) if role else ""
    environment = {"PULSAR_CAM_TOKEN": secret} if secret else {}
    tls = ("--service-url", secured.https, "--ca-file", str(secured.authority.file))
    ended = CommandLine(None, environment).run(*ONCE, str(TOPIC), *tls, "--json", "-vv")
    found = json.loads(ended.out)
    assert ended.code == code, ended
    assert found["reason"].startswith(reason), found["reason"]
    assert not secret or secret not in ended.out + ended.err


@pytest.mark.xdist_group("secured")
def test_a_role_that_may_only_publish_and_watch_sees_all_but_the_health(secured: SecuredNode) -> None:
    endpoint = secured.endpoint(Token(token(ADMIN)))
    call(endpoint, "POST", "/namespaces/public/default/permissions/both", ["produce", "consume"])
    with Monitoring(secured.endpoint(Token(token("both"))), TOPIC) as monitoring:
        view = monitoring.becomes("")
    found = {each.check: each for each in view.findings}
    assert (found["node"].state, found["probes"].state) == ("skipped", "ok")
    assert "our role may not ask" in found["node"].says
