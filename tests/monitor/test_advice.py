"""What the monitor would change: when, why, and which of it is safe."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest

from pulsar_cam.errors import RequestRejected
from pulsar_cam.health.commands import Commands
from pulsar_cam.monitor.advice import BACKLOG_BYTES, Applying, Policies, advise
from pulsar_cam.monitor.view import Advice, SubscriptionView, TopicView
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.admin.topic_policy import TopicPolicy
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic

TOPIC = Topic.parse("front")
COMMANDS = Commands(Endpoint.of("http://camera-host:8080"), TOPIC)
TOPIC_URL = "http://camera-host:8080/admin/v2/persistent/public/default/front"
REMOVE = f"curl -f -X DELETE '{TOPIC_URL}/backlogQuota?backlogQuotaType={{destination_storage,message_age}}'"
WELL = Policies(
    backlog_bytes=10_000_000,
    is_own=False,
    backlog_policy="consumer_backlog_eviction",
    retention_bytes=0,
    keeps_all=False,
)
VIEWER = SubscriptionView("viewer1", is_durable=False, consumers=1, backlog=2, out_per_s=30)
ARCHIVE = SubscriptionView("archive", is_durable=True, consumers=0, backlog=900, out_per_s=0)
VIEW = TopicView(
    publishers=1, in_per_s=30, in_bytes_per_s=3e6, out_per_s=30, out_bytes_per_s=3e6, storage_bytes=10**6,
    backlog_bytes=10**6, backlog_limit_bytes=10**7, partitions=0, subscriptions=(VIEWER,),
)  # fmt: skip
SETTINGS = {"webSocketSessionIdleTimeoutMillis": "60000", "webSocketMaxTextFrameSize": "8388608"}


def found(view: TopicView = VIEW, policies: Policies | None = WELL, settings: Any = SETTINGS) -> list[Advice]:
    return advise(COMMANDS, view, policies, settings)


def test_where_all_is_well_nothing_is_to_be_changed() -> None:
    assert found() == []
    assert found(policies=None, settings=None) == []


def test_a_topic_without_a_limit_gets_one_that_takes_nothing() -> None:
    unlimited = replace(WELL, backlog_bytes=None)
    (advice,) = found(policies=unlimited)
    assert advice.policy == TopicPolicy(backlog_bytes=BACKLOG_BYTES)
    assert "nothing bounds" in advice.says
    assert advice.undo == REMOVE
    assert advice.says.endswith(
        "with pulsar-cam create-topic --service-url http://camera-host:8080 "
        "--topic persistent://public/default/front --backlog-limit 2GB"
    )
    (advice,) = found(replace(VIEW, backlog_bytes=3 * BACKLOG_BYTES), unlimited)
    assert advice.policy == TopicPolicy(backlog_bytes=6 * BACKLOG_BYTES)


def test_a_limit_above_the_retention_is_said_only() -> None:
    (advice,) = found(policies=replace(WELL, backlog_bytes=None, retention_bytes=10**9))
    assert advice.policy is None
    assert "raise the retention of 1 GB" in advice.says


def test_a_backlog_that_would_stop_the_camera_is_turned_while_it_is_half_empty() -> None:
    blocking = replace(WELL, backlog_policy="producer_exception", is_own=True)
    (advice,) = found(policies=blocking)
    assert advice.policy == TopicPolicy(backlog_bytes=10_000_000)
    assert advice.undo == (
        "curl -f -X POST -H 'Content-Type: application/json' "
        '-d \'{"limitSize": 10000000, "limitTime": -1, "policy": "producer_exception"}\' '
        f"'{TOPIC_URL}/backlogQuota?backlogQuotaType=destination_storage'"
    )
    view = replace(VIEW, backlog_bytes=6_000_000, subscriptions=(VIEWER, replace(ARCHIVE, consumers=1)))
    (advice,) = found(view, blocking)
    assert advice.policy is None
    assert "at 60%, and stops the camera" in advice.says
    assert "'archive' (900 behind), 'viewer1' (2 behind)" in advice.says


def test_a_backlog_that_is_nearly_full_is_told_with_its_owners() -> None:
    view = replace(VIEW, backlog_bytes=9_000_000, subscriptions=(replace(ARCHIVE, consumers=1),))
    (advice,) = found(view)
    assert advice.says == (
        "the backlog is at 90%, and its oldest frames are taken next: let these catch up, or delete them: 'archive' "
        "(900 behind)"
    )


def test_a_forgotten_subscription_is_never_deleted_by_the_monitor() -> None:
    hostile = replace(ARCHIVE, name="x; rm -rf \x1b[2J")
    (advice,) = found(replace(VIEW, subscriptions=(hostile, VIEWER)))
    assert advice.policy is None
    assert advice.says.endswith(f"curl -f -X DELETE {TOPIC_URL}/subscription/x%253B%2520rm%2520-rf%2520%251B%255B2J")
    assert found(replace(VIEW, subscriptions=(replace(ARCHIVE, backlog=0),))) == []


def test_many_cameras_on_one_topic_and_frames_that_are_kept_for_ever() -> None:
    (advice,) = found(replace(VIEW, publishers=8, in_bytes_per_s=60e6))
    assert advice.says.startswith("8 publishers send 60 MB/s through one topic")
    assert found(replace(VIEW, publishers=8, in_bytes_per_s=60e6, partitions=4)) == []
    (advice,) = found(policies=replace(WELL, keeps_all=True, retention_bytes=None))
    assert "--retention-size 10GB" in advice.says


def test_settings_of_the_node_are_said_only() -> None:
    told = found(settings={})
    assert [advice.policy for advice in told] == [None, None]
    assert "webSocketSessionIdleTimeoutMillis=60000" in told[0].says
    assert "webSocketMaxTextFrameSize" in told[1].says


class Node(Admin):
    """Takes limits, or refuses them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken: list[int] = []
        self._error = error

    async def set_backlog_limit(self, topic: Topic, size_bytes: int) -> None:
        if self._error:
            raise self._error
        self.taken.append(size_bytes)


def test_what_is_safe_is_applied_once_and_logged_with_its_undo(caplog: pytest.LogCaptureFixture) -> None:
    node, applying = Node(), Applying()
    advice = [*found(policies=replace(WELL, backlog_bytes=None)), Advice("delete everything")]
    for _ in range(3):
        asyncio.run(applying.apply(node, TOPIC, advice))
    assert node.taken == [BACKLOG_BYTES]
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line.startswith("applied to persistent://public/default/front: nothing bounds")
    assert line.endswith(f"undo with: {REMOVE}")


def test_what_the_node_refuses_is_logged_and_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    node, applying = Node(RequestRejected("limit the backlog", 412, "retention")), Applying()
    for _ in range(3):
        asyncio.run(applying.apply(node, TOPIC, found(policies=replace(WELL, backlog_bytes=None))))
    assert caplog.text.count("not applied: nothing bounds") == 1
