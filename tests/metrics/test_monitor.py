"""Metrics of a monitor."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import generate_latest

from pulsar_cam.metrics.collector import registry_of
from pulsar_cam.metrics.monitor import monitor_readings
from pulsar_cam.monitor.view import SubscriptionView

from .runs import TOPIC, T, newest, seen


def test_subscriptions_of_strangers_are_bounded_in_number_and_made_showable() -> None:
    names = [f"s{number}" for number in range(1000)] + ['\x1b[2J"\n\\' + "x" * 1000]
    subscriptions = tuple(SubscriptionView(name, False, 1, 10 * number, 0) for number, name in enumerate(names))
    view = seen()
    assert view.topic
    view = replace(view, topic=replace(view.topic, subscriptions=subscriptions))
    registry = registry_of(monitor_readings(newest(view), TOPIC))
    assert registry.get_sample_value("pulsar_cam_topic_subscriptions", T) == 1001
    text = generate_latest(registry).decode()
    lines = [line for line in text.splitlines() if line.startswith("pulsar_cam_subscription_backlog_messages{")]
    assert len(lines) == 20
    assert 'subscription="s999"' in text
    assert "\x1b" not in text
    assert max(map(len, lines)) < 300
