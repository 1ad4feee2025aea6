"""A source that is too heavy for Pulsar's own limit on text frames: it runs on, and says what it lowered."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pulsar_cam.node import LocalNode, settings
from pulsar_cam.publishing.plan import Adapt
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.wire import DEFAULT_TEXT_LIMIT
from pulsar_cam.sources.pattern import PatternSource

from ..lab import runs
from ..lab.streams import new_topic
from ..lab.xvfb import wait_until
from .watching import Watching


@pytest.mark.usefixtures("_pulsar")
def test_4k_at_quality_95_fits_a_node_with_the_default_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(settings.SETTINGS, "webSocketMaxTextFrameSize", str(DEFAULT_TEXT_LIMIT))
    small, topic = LocalNode("small", tmp_path), new_topic()
    try:
        state = small.start(0)
        with Watching(state, topic, max_age_ms=math.inf) as watching:
            stats = runs.publish(
                lambda: PatternSource((3840, 2160), 10),
                Endpoint.of(state.service_url),
                topic,
                quality=95,
                adapt=Adapt.OFF,
                frames=20,
            )
            wait_until(lambda: watching.has_received(20), "every frame")
    finally:
        small.stop()
    assert stats.published == 20
    assert (stats.dropped["rejected"], stats.dropped["unacknowledged"]) == (0, 0)
    warnings = [message for message in caplog.messages if "does not fit" in message]
    assert len(warnings) == 1
    assert "lowered to quality" in warnings[0]
    assert watching.stats.images == 20
    assert stats.session
    assert stats.session.reconnects == 0
