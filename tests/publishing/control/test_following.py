"""What a monitor says is heeded only while it is new."""

from __future__ import annotations

import time

import pytest

from pulsar_cam.publishing.control.following import STALE_S, Following
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.condition import Condition, packet_with
from pulsar_cam.pulsar.topics import Topic

WELL = Condition(probe_ms=20, budget_ms=250, age_ms=40, max_age_ms=500, backlog=2)


def test_an_old_condition_is_none(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    following = Following(Endpoint.of(), Topic.parse("front"))
    assert following.condition is None
    now_s = time.monotonic()
    following._take(packet_with(WELL).jpeg)
    assert following.condition == WELL
    for _ in range(3):
        following._take(b"what a stranger sent")
    assert following.condition == WELL
    assert len(caplog.messages) == 1
    monkeypatch.setattr(time, "monotonic", lambda: now_s + STALE_S + 1)
    assert following.condition is None
