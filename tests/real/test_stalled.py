"""A session that stays open while Pulsar takes nothing on it: it is given up, and the next one learns why."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulsar_cam.errors import PulsarError
from pulsar_cam.node import NodeState
from pulsar_cam.publishing.plan import Adapt
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.topics import Topic

from ..lab import runs
from ..lab.streams import call, endpoint_of
from ..lab.xvfb import wait_until
from .watching import Publishing, pattern

_numbers = itertools.count()


@pytest.fixture
def topic(node: NodeState) -> Topic:
    """A topic in a namespace in which Pulsar makes none by itself."""
    topic = Topic.parse(f"public/stalled-{next(_numbers)}/cam")
    endpoint = endpoint_of(node)
    call(endpoint, "PUT", f"/namespaces/public/{topic.namespace}")
    call(
        endpoint,
        "POST",
        f"/namespaces/public/{topic.namespace}/autoTopicCreation",
        {"allowAutoTopicCreation": False},
    )
    call(endpoint, "PUT", f"/{topic.path}")
    return topic


def goes_on(stats: PublishStats, event: str, within_s: float) -> None:
    before = stats.published
    wait_until(lambda: stats.published > before + 5, f"frames after {event}", within_s)


@pytest.mark.timeout(200, func_only=True)
def test_a_topic_that_is_deleted_and_made_again_is_published_to_within_10_s(node: NodeState, topic: Topic) -> None:
    endpoint = endpoint_of(node)
    with Publishing(node, topic, pattern) as stats:
        for _ in range(5):
            goes_on(stats, "the start", 30)
            call(endpoint, "DELETE", f"/{topic.path}?force=true")
            time.sleep(3)
            call(endpoint, "PUT", f"/{topic.path}")
            goes_on(stats, "the topic is there again", 10)


@pytest.mark.timeout(200, func_only=True)
def test_a_schema_that_is_enforced_in_mid_stream_is_the_reason_and_costs_no_quality(
    node: NodeState, topic: Topic
) -> None:
    endpoint, stats = endpoint_of(node), PublishStats()
    schema = {"type": "STRING", "schema": "", "properties": {}}
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(runs.publish, pattern, endpoint, topic, stats=stats, adapt=Adapt.ON)
        goes_on(stats, "the start", 30)
        wait_until(lambda: stats.published > 150, "a controller that has taken charge", 30)
        quality = stats.aim.setting.quality
        call(endpoint, "POST", f"/namespaces/public/{topic.namespace}/schemaValidationEnforced", True)
        call(endpoint, "POST", f"/schemas/{topic.tenant}/{topic.namespace}/{topic.name}/schema", schema)
        call(endpoint, "PUT", f"/{topic.path}/unload")
        with pytest.raises(PulsarError, match="schema"):
            ended.result(30)
    assert stats.aim.setting.quality == quality
