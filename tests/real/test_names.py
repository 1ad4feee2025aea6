"""Calls that name a subscription or a topic reach that one, whatever its name is, and never a neighbour.

``python -m scripts.odd_names`` tries more names.
"""

from __future__ import annotations

import asyncio

import pulsar
import pytest

from pulsar_cam.node import NodeState

from ..lab.odd_names import native_client, odd_names, touched_subscriptions, touched_topics
from ..lab.streams import endpoint_of

ALWAYS = ["cam+door", "cam door", "a%z", "a%20b", "..", ".", "s/ü%20", "%2F", "%2e%2e", "a;b", "a?b#c"]


@pytest.mark.timeout(300, func_only=True)
def test_calls_for_a_subscription_reach_no_other_one(node: NodeState) -> None:
    async def main(client: pulsar.Client) -> list[str]:
        names = dict.fromkeys([*ALWAYS, *odd_names(seed=1, count=30)])
        return [each for name in names for each in await touched_subscriptions(endpoint_of(node), client, name)]

    with native_client(node.broker_url) as client:
        assert asyncio.run(main(client)) == []


@pytest.mark.timeout(300, func_only=True)
def test_calls_for_a_topic_reach_no_other_one(node: NodeState) -> None:
    async def main() -> list[str]:
        names = dict.fromkeys([*ALWAYS, *odd_names(seed=2, count=20)])
        return [each for name in names for each in await touched_topics(endpoint_of(node), name)]

    assert asyncio.run(main()) == []
