"""Doctor, monitor and create-topic look at the topic that was named, and find no fault with one that works."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from pulsar_cam.doctor.node import examine
from pulsar_cam.health.finding import Finding
from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.admin.topic_rules import TopicRules, rules_of
from pulsar_cam.pulsar.topics import Topic

from ..lab.streams import call, endpoint_of
from .command_line import CommandLine
from .watching import Publishing

_SCHEMA = {"type": "STRING", "schema": "", "properties": {}}
_numbers = itertools.count()


def topic_in(node: NodeState, **policies: object) -> Topic:
    """Make a topic in a namespace that has these policies."""
    endpoint, namespace = endpoint_of(node), f"rules-{next(_numbers)}"
    call(endpoint, "PUT", f"/namespaces/public/{namespace}")
    for policy, value in policies.items():
        call(endpoint, "POST", f"/namespaces/public/{namespace}/{policy}", value)
    topic = Topic.parse(f"public/{namespace}/cam")
    call(endpoint, "PUT", f"/{topic.path}")
    return topic


def finding(node: NodeState, topic: Topic) -> Finding:
    return next(each for each in asyncio.run(examine(endpoint_of(node), topic)) if each.check == "topic")


def rules(node: NodeState, topic: Topic) -> TopicRules:
    async def main() -> TopicRules:
        async with Admin(endpoint_of(node)) as admin:
            return await rules_of(admin, topic)

    return asyncio.run(main())


@pytest.mark.parametrize("partitions", [0, 2])
def test_a_terminated_topic_is_named_by_all_of_them(node: NodeState, partitions: int) -> None:
    endpoint, topic = endpoint_of(node), topic_in(node)
    if partitions:
        topic = Topic.parse(f"{topic.tenant}/{topic.namespace}/parts")
        call(endpoint, "PUT", f"/{topic.path}/partitions", partitions)
    call(endpoint, "POST", f"/{topic.path}/terminate" + ("/partitions" if partitions else ""))
    assert (finding(node, topic).state, "terminated" in finding(node, topic).says) == ("problem", True)
    run = CommandLine(node).run
    created = run("create-topic", "--topic", str(topic))
    assert (created.code, "was terminated" in created.err) == (1, True), created
    seen = run("monitor", "--once", "--topic", str(topic))
    assert (seen.code, "terminated" in seen.out) == (1, True), seen


def test_what_keeps_publishers_out_is_a_problem(node: NodeState) -> None:
    topic = topic_in(node, schemaValidationEnforced=True)
    assert rules(node, topic) == TopicRules()
    assert finding(node, topic).state == "ok"
    call(endpoint_of(node), "POST", f"/schemas/{topic.tenant}/{topic.namespace}/{topic.name}/schema", _SCHEMA)
    assert rules(node, topic) == TopicRules(wants_schema=True)
    assert "schemaValidationEnforced" in finding(node, topic).change
    assert rules(node, topic_in(node, encryptionRequired=True)) == TopicRules(wants_encryption=True)


def test_limits_are_read_where_they_are_set(node: NodeState) -> None:
    publish = {"publishThrottlingRateInMsg": 5, "publishThrottlingRateInByte": 1_000_000}
    dispatch = {"dispatchThrottlingRateInMsg": 7, "dispatchThrottlingRateInByte": -1, "ratePeriodInSecond": 1}
    of_namespace = topic_in(node, publishRate=publish, subscriptionDispatchRate=dispatch, messageTTL=60)
    expected = TopicRules(publish_per_s=5, publish_bytes_per_s=1_000_000, dispatch_per_s=7, ttl_s=60)
    assert rules(node, of_namespace) == expected
    found = finding(node, of_namespace)
    assert (found.state, "`fps` 5 or less" in found.change) == ("warning", True), found


def test_a_healthy_stream_is_well_where_no_topic_is_made_by_itself(node: NodeState) -> None:
    topic = topic_in(node, autoTopicCreation={"allowAutoTopicCreation": False})
    assert rules(node, topic) == TopicRules(makes_topics=False)
    run = CommandLine(node).run
    with Publishing(node, topic):
        seen = run("monitor", "--once", "--topic", str(topic), "--budget", "5000")
    assert (seen.code, "problem" in seen.out) == (0, False), seen
    missing = run("monitor", "--once", "--topic", f"{topic}-2")
    assert (missing.code, "create-topic" in missing.out) == (1, True), missing
