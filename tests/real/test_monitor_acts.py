"""What a monitor sees acts on the stream: its publisher heeds it, and safe advice is applied to the topic."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
from urllib.parse import quote

import pytest

from pulsar_cam.health.commands import Commands
from pulsar_cam.monitor.advice import policies_of
from pulsar_cam.monitor.monitor import Monitor
from pulsar_cam.monitor.plan import Plan
from pulsar_cam.node import NodeState
from pulsar_cam.publishing.plan import Adapt
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.pattern import PatternSource

from ..conftest import missing
from ..lab.streams import TIMEOUT_S, call, endpoint_of, new_topic
from ..lab.xvfb import wait_until
from .watching import Publishing

IMPOSSIBLE_MS = 0.01
HELD_BYTES = 50_000_000


async def monitored(node: NodeState, topic: Topic, plan: Plan, rounds: int) -> None:
    async with asyncio.timeout(TIMEOUT_S * 2), Monitor(endpoint_of(node), topic, plan) as monitor:
        seen = 0
        async for _ in monitor:
            seen += 1
            if seen == rounds:
                return


@pytest.mark.timeout(240, func_only=True)
@pytest.mark.parametrize("follow_monitor", [True, False])
def test_a_publisher_that_follows_lowers_its_quality_while_probes_are_late(
    node: NodeState, follow_monitor: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """No node has a probe back in 10 us: what the monitor then sees is made of that, all else is real."""
    caplog.set_level(logging.INFO, "pulsar_cam")
    topic, plan = new_topic(), Plan(interval_s=1.0, patience_s=0.8, budget_ms=IMPOSSIBLE_MS)
    with Publishing(
        node, topic, lambda: PatternSource((160, 120), 10), adapt=Adapt.ON, follow_monitor=follow_monitor
    ) as stats:
        wait_until(lambda: stats.published > 50, "frames, and the end of the warming up", TIMEOUT_S)
        asyncio.run(monitored(node, topic, plan, rounds=12))
        said = [
            record.getMessage() for record in caplog.records if "the monitor's probe takes" in record.getMessage()
        ]
        assert bool(said) == follow_monitor
        if follow_monitor:
            lowest = stats.aim.setting.quality
            wait_until(lambda: stats.aim.setting.quality > lowest, "the way back up, once no monitor speaks", 90)


@pytest.mark.timeout(120, func_only=True)
def test_safe_advice_is_applied_once_and_can_be_undone(node: NodeState, caplog: pytest.LogCaptureFixture) -> None:
    topic, endpoint = new_topic(), endpoint_of(node)
    call(endpoint, "PUT", f"/{topic.path}")
    hold = {"limitSize": HELD_BYTES, "limitTime": -1, "policy": "producer_request_hold"}
    call(endpoint, "POST", f"/{topic.path}/backlogQuota?backlogQuotaType=destination_storage", hold)

    async def policy() -> tuple[int | None, bool]:
        async with Admin(endpoint) as admin:
            policies = await policies_of(admin, topic)
            return policies.backlog_bytes, policies.blocks_publishers

    assert asyncio.run(policy()) == (HELD_BYTES, True)
    asyncio.run(monitored(node, topic, Plan(interval_s=1.0), rounds=2))
    assert asyncio.run(policy()) == (HELD_BYTES, True)
    asyncio.run(monitored(node, topic, Plan(interval_s=1.0, applies=True), rounds=3))
    assert asyncio.run(policy()) == (HELD_BYTES, False)
    applied = [line for line in caplog.messages if line.startswith("applied to")]
    assert len(applied) == 1
    assert "limit the backlog to 50 MB" in applied[0]
    typed(applied[0].partition("undo with: ")[2])
    assert asyncio.run(policy()) == (HELD_BYTES, True)


@pytest.mark.timeout(120, func_only=True)
def test_the_requests_that_advice_consists_of_do_what_they_say(node: NodeState) -> None:
    topic, endpoint = new_topic(), endpoint_of(node)
    call(endpoint, "PUT", f"/{topic.path}")
    call(endpoint, "PUT", f"/{topic.path}/subscription/{quote('a b', safe='')}")
    commands = Commands(endpoint, topic)

    async def limits_and_subscriptions() -> tuple[set[str], set[str]]:
        async with Admin(endpoint) as admin:
            own = await admin.backlog_quotas(topic, applied=False)
            return set(own), set((await admin.stats(topic))["subscriptions"])

    async def limit() -> None:
        async with Admin(endpoint) as admin:
            await admin.set_backlog_limit(topic, HELD_BYTES)

    asyncio.run(limit())
    assert asyncio.run(limits_and_subscriptions()) == ({"destination_storage", "message_age"}, {"a b"})
    typed(commands.remove_backlog_limit())
    typed(commands.delete_subscription("a b"))
    assert asyncio.run(limits_and_subscriptions()) == (set(), set())


def typed(command: str) -> None:
    """Run a command as a person does who pastes it into a shell."""
    if shutil.which("curl") is None:
        missing("curl")
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
