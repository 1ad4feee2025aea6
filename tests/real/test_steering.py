"""Adaptive publishing through real links to a real node: down while a link is narrow, and back when it is not."""

from __future__ import annotations

import logging

import pytest

from pulsar_cam.node import NodeState
from pulsar_cam.publishing.plan import Adapt
from pulsar_cam.sources.pattern import PatternSource
from pulsar_cam.sources.source import Source

from ..lab.link import link_to
from ..lab.streams import new_topic
from ..lab.xvfb import wait_until
from .watching import Publishing, Watching

NARROW = 1_500_000  # bytes a second; the pictures below make more than twice that


def pattern_720p() -> Source:
    return PatternSource((1280, 720), 30)


def test_quality_follows_a_link_that_gets_narrow_and_wide_again(node: NodeState) -> None:
    topic = new_topic("non-persistent")
    with link_to(node) as link, Publishing(link, topic, pattern_720p, adapt=Adapt.ON) as published:
        wait_until(lambda: published.published > 90, "frames at full quality")
        link.bytes_per_s = NARROW
        wait_until(lambda: published.aim.setting.quality < 80, "lower quality")
        link.bytes_per_s = None
        wait_until(lambda: published.aim.setting.quality == 80, "full quality again", 60)
    assert published.aim.changes >= 2


def test_fixed_stays_and_a_dry_run_says_what_it_would_do(node: NodeState, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with link_to(node) as link:
        link.bytes_per_s = NARROW
        with (
            Publishing(link, new_topic("non-persistent"), pattern_720p, adapt=Adapt.OFF) as fixed,
            Publishing(link, new_topic("non-persistent"), pattern_720p, adapt=Adapt.DRY_RUN) as dry,
        ):
            wait_until(lambda: "dry run: " in caplog.text, "what would be changed", 60)
    assert fixed.aim.setting.quality == dry.aim.setting.quality == 80
    assert fixed.aim.changes == dry.aim.changes == 0


def test_on_demand_rests_until_somebody_watches(node: NodeState) -> None:
    topic = new_topic()
    with Publishing(node, topic, adapt=Adapt.ON, on_demand=True) as published:
        wait_until(lambda: published.dropped["no_viewer"] > 30, "rest")
        with Watching(node, topic) as watching:
            watching.receives_more(30)
            rested = published.dropped["no_viewer"]
            watching.receives_more(30)
            assert published.dropped["no_viewer"] == rested
        wait_until(lambda: published.dropped["no_viewer"] > rested + 30, "rest again")
