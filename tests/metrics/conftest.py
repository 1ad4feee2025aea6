"""The registry of a process in which all three run."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from pulsar_cam.metrics.collector import registry_of
from pulsar_cam.metrics.monitor import monitor_readings
from pulsar_cam.metrics.publisher import publisher_readings
from pulsar_cam.metrics.viewer import viewer_readings

from .runs import TOPIC, newest, published, seen, watched


@pytest.fixture
def registry() -> CollectorRegistry:
    return registry_of(
        publisher_readings(published(), TOPIC),
        viewer_readings(watched(), TOPIC),
        monitor_readings(newest(seen()), TOPIC),
    )
