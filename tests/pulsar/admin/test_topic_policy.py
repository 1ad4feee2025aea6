"""Limits of a topic: what Pulsar would refuse, what is asked of it, and what it costs."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from pulsar_cam.errors import InvalidOption
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.admin.topic_policy import TopicPolicy
from pulsar_cam.pulsar.topics import Topic

TOPIC, FLEETING = Topic.parse("cows"), Topic.parse("non-persistent://public/default/cows")
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("smallest", "refused"),
    [
        (TopicPolicy(retention_s=1), TopicPolicy(retention_s=0)),
        (TopicPolicy(retention_bytes=2 * MIB), TopicPolicy(retention_bytes=2 * MIB - 1)),
        (TopicPolicy(backlog_bytes=1), TopicPolicy(backlog_bytes=0)),
        (TopicPolicy(ttl_s=1), TopicPolicy(ttl_s=0)),
        (TopicPolicy(3600, 10 * MIB, 30, 10 * MIB - 1), TopicPolicy(3600, 10 * MIB, 30, 10 * MIB)),
    ],
)
def test_limits_that_pulsar_takes_pass_and_one_less_does_not(smallest: TopicPolicy, refused: TopicPolicy) -> None:
    smallest.check(TOPIC)
    with pytest.raises(InvalidOption):
        refused.check(TOPIC)


@pytest.mark.parametrize("topic", [TOPIC, FLEETING])
def test_a_topic_of_any_kind_needs_no_limits(topic: Topic) -> None:
    admin = NotingAdmin()
    TopicPolicy().check(topic)
    asyncio.run(TopicPolicy().apply(cast(Admin, admin), topic))
    assert admin.calls == []


@pytest.mark.parametrize(
    ("policy", "topic", "option"),
    [
        (TopicPolicy(retention_s=1), FLEETING, "`topic` non-persistent://"),
        (TopicPolicy(ttl_s=1), FLEETING, "`topic` non-persistent://"),
        (TopicPolicy(retention_s=0), TOPIC, "`retention_s` 0"),
        (TopicPolicy(ttl_s=-1), TOPIC, "`ttl_s` -1"),
        (TopicPolicy(backlog_bytes=0), TOPIC, "`backlog_bytes` 0"),
        (TopicPolicy(retention_bytes=2 * MIB - 1), TOPIC, "`retention_bytes` 2097151"),
        (TopicPolicy(retention_bytes=10 * MIB, backlog_bytes=10 * MIB), TOPIC, "`backlog_bytes` 10485760"),
        (TopicPolicy(retention_bytes=11 * MIB - 1, backlog_bytes=10 * MIB), TOPIC, "`backlog_bytes` 10485760"),
    ],
)
def test_limits_that_pulsar_would_refuse_are_wrong_usage(policy: TopicPolicy, topic: Topic, option: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        policy.check(topic)
    assert str(caught.value).startswith(option)


class NotingAdmin:
    """Notes what is set; whether a node takes it is proved on a real one."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    async def set_backlog_limit(self, topic: Topic, size_bytes: int) -> None:
        self.calls.append(("backlog", size_bytes))

    async def set_retention(self, topic: Topic, minutes: int, megabytes: int) -> None:
        self.calls.append(("retention", minutes, megabytes))

    async def set_ttl(self, topic: Topic, seconds: int) -> None:
        self.calls.append(("ttl", seconds))


@pytest.mark.parametrize(
    ("policy", "calls"),
    [
        (TopicPolicy(), []),
        (TopicPolicy(ttl_s=30), [("ttl", 30)]),
        (TopicPolicy(backlog_bytes=5), [("backlog", 5)]),
        (TopicPolicy(retention_s=1), [("retention", 1, -1)]),
        (TopicPolicy(retention_s=61), [("retention", 2, -1)]),
        (TopicPolicy(retention_bytes=3 * MIB - 1), [("backlog", (3 * MIB - 1) // 2), ("retention", -1, 2)]),
        (TopicPolicy(3600, 100 * MIB, 30, 7), [("backlog", 7), ("retention", 60, 100), ("ttl", 30)]),
    ],
)
def test_only_what_was_asked_for_is_set_and_the_backlog_before_the_retention(
    policy: TopicPolicy, calls: list[tuple[Any, ...]]
) -> None:
    admin = NotingAdmin()
    policy.check(TOPIC)
    asyncio.run(policy.apply(cast(Admin, admin), TOPIC))
    assert admin.calls == calls


@pytest.mark.parametrize(
    ("policy", "topic", "cost"),
    [
        (TopicPolicy(), FLEETING, "nothing is kept"),
        (TopicPolicy(), TOPIC, "until every subscription has them"),
        (TopicPolicy(ttl_s=30), TOPIC, "until every subscription has them"),
        (TopicPolicy(retention_s=3600), TOPIC, "up to about 13 GB"),
        (TopicPolicy(retention_bytes=10**10), TOPIC, "up to about 10 GB"),
        (TopicPolicy(retention_s=3600, retention_bytes=10**10), TOPIC, "up to about 10 GB"),
        (TopicPolicy(retention_s=60, retention_bytes=10**10), TOPIC, "up to about 216 MB"),
        (TopicPolicy(retention_bytes=10**7), TOPIC, "up to about 10 MB"),
    ],
)
def test_cost_on_disk_is_told(policy: TopicPolicy, topic: Topic, cost: str) -> None:
    assert policy.cost(topic).startswith("disk: ")
    assert cost in policy.cost(topic)
