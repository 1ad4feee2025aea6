"""Which plans of a viewer can be."""

from __future__ import annotations

import math

import pytest

from pulsar_cam.errors import InvalidOption
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.watching.plan import WatchPlan

TOPIC = Topic.parse("cam")


@pytest.mark.parametrize("max_age_ms", [None, math.inf])
def test_every_frame_has_no_age_limit_and_may_say_so(max_age_ms: float | None) -> None:
    WatchPlan(subscription="v", every_frame=True, max_age_ms=max_age_ms).check(TOPIC)


def test_every_frame_and_an_age_limit_exclude_each_other() -> None:
    with pytest.raises(InvalidOption, match="give one of the two"):
        WatchPlan(subscription="v", every_frame=True, max_age_ms=500).check(TOPIC)
