"""The doctor on a real node."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

import pytest

from pulsar_cam.doctor import Finding
from pulsar_cam.doctor.exchange import clock_offset, exchange
from pulsar_cam.doctor.node import examine
from pulsar_cam.frame import Packet
from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.consumer import Consumer
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic

PROBE = Topic.parse("non-persistent://public/default/pulsar-cam-doctor")


def findings(endpoint: Endpoint, topic: Topic) -> dict[str, Finding]:
    return {each.check: each for each in asyncio.run(examine(endpoint, topic))}


async def make(endpoint: Endpoint, topic: Topic, partitions: int = 0) -> None:
    async with Admin(endpoint) as admin:
        await admin.create_topic(topic, partitions)


def test_all_is_well_on_our_own_node(node: NodeState) -> None:
    endpoint, topic = Endpoint.of(node.service_url), Topic.parse("doctor-well")
    asyncio.run(make(endpoint, topic))
    found = findings(endpoint, topic)
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(found, "ok")
    assert {name: each.change for name, each in found.items()} == dict.fromkeys(found, "")
    assert f"Pulsar {node.version} answers" in found["node"].says
    assert "5238 kB" in found["frame limit"].says
    assert "after 60 s" in found["idle timeout"].says


def test_as_a_command(node: NodeState) -> None:
    topic = "doctor-command"
    asyncio.run(make(Endpoint.of(node.service_url), Topic.parse(topic)))
    command = [sys.executable, "-m", "pulsar_cam", "doctor", "--service-url", node.service_url, "--topic", topic]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60)
    states = {found["check"]: found["state"] for found in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0, done.stdout
    assert [states[name] for name in ("node", "websocket", "topic", "clock", "round trip")] == ["ok"] * 5


def test_topics_that_are_missing_or_partitioned(node: NodeState) -> None:
    endpoint = Endpoint.of(node.service_url)
    missing = findings(endpoint, Topic.parse("doctor-missing"))["topic"]
    assert (missing.state, missing.change.split()[:2]) == ("warning", ["pulsar-cam", "create-topic"])

    nowhere = findings(endpoint, Topic.parse("public/nowhere/camera"))
    assert (nowhere["topic"].state, nowhere["websocket"].state) == ("problem", "skipped")

    parts = Topic.parse("doctor-parts")
    asyncio.run(make(endpoint, parts, 3))
    assert findings(endpoint, parts)["topic"] == Finding("topic", "ok", f"{parts}, 3 partitions, no subscription")


def test_a_subscription_that_lags_nearly_to_the_limit(node: NodeState) -> None:
    endpoint, topic = Endpoint.of(node.service_url), Topic.parse("doctor-lag")
    asyncio.run(lag(endpoint, topic))
    found = findings(endpoint, topic)["topic"]
    assert found.state == "warning"
    assert "slow (9 behind)" in found.says
    assert "of its limit" in found.says


async def lag(endpoint: Endpoint, topic: Topic) -> None:
    """Leave 9 messages of 100 kB to a subscription that may lag 1 MB behind."""
    await make(endpoint, topic)
    async with Admin(endpoint) as admin:
        await admin.set_backlog_limit(topic, 1_000_000)
    async with Consumer(endpoint, topic, "slow", durable=True), Producer(endpoint, topic) as producer:
        for _ in range(9):
            receipt = await (await producer.send(Packet(bytes(100_000), 1, 1, captured_at_ns=0)))
            assert receipt.accepted


def test_the_clock_of_this_machine_is_no_other_than_its_own(node: NodeState) -> None:
    told = asyncio.run(exchange(Endpoint.of(node.service_url), PROBE))
    offset_s, uncertainty_s = clock_offset(told.samples)
    assert (len(told.samples), len(told.round_trips_s)) == (10, 10)
    assert abs(offset_s) <= uncertainty_s


def test_a_clock_that_is_ten_seconds_fast_is_noticed(node: NodeState, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 10_000_000_000)
    found = findings(Endpoint.of(node.service_url), PROBE)["clock"]
    assert found.state == "warning"
    assert "behind ours" in found.says
    assert "chrony" in found.change


def test_nothing_is_left_behind(node: NodeState) -> None:
    async def stats() -> dict[str, object]:
        async with Admin(endpoint) as admin:
            return await admin.stats(PROBE)

    endpoint = Endpoint.of(node.service_url)
    asyncio.run(exchange(endpoint, PROBE))
    left = asyncio.run(stats())
    assert (left["publishers"], left["subscriptions"]) == ([], {})
