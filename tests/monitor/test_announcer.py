"""Which condition of the stream a monitor announces to its publishers."""

from __future__ import annotations

from dataclasses import replace

from pulsar_cam.monitor.announcer import condition_of
from pulsar_cam.monitor.view import ProbeView, StreamView, SubscriptionView, TopicView, View
from pulsar_cam.pulsar.messages.condition import Condition


def probes(small_ms: float | None, large_ms: float | None) -> tuple[ProbeView, ...]:
    fresh = ProbeView("fresh", 120_000, True, end_to_end_ms=9999)
    return (
        ProbeView("kept", 1000, True, end_to_end_ms=small_ms),
        ProbeView("kept", 200_000, True, end_to_end_ms=large_ms),
        fresh,
    )


def view(small_ms: float | None = 5, large_ms: float | None = 40) -> View:
    return View(findings=(), probes=probes(small_ms, large_ms))


def test_the_probe_most_like_a_frame_counts() -> None:
    assert condition_of(view(), None) == Condition(probe_ms=40, budget_ms=250, max_age_ms=500)
    tiny = StreamView(fps=10, bytes_per_s=20_000)
    assert condition_of(replace(view(), stream=tiny), None).probe_ms == 5


def test_a_probe_that_is_late_once_only_says_nothing() -> None:
    assert condition_of(view(large_ms=900), view(large_ms=30)).probe_ms == 30
    assert condition_of(view(large_ms=900), view(large_ms=800)).probe_ms == 800
    assert condition_of(view(large_ms=20), view(large_ms=800)).probe_ms == 20
    assert condition_of(view(None, None), view(large_ms=800)).probe_ms is None


def test_the_age_and_the_backlog_of_the_most_advanced_viewer_are_told() -> None:
    away = SubscriptionView("away", True, consumers=0, backlog=0, out_per_s=0)
    behind = SubscriptionView("behind", False, consumers=1, backlog=900, out_per_s=1)
    ahead = SubscriptionView("ahead", False, consumers=2, backlog=7, out_per_s=30)
    topic = TopicView(1, 30, 3e6, 30, 3e6, 0, 0, None, 0, (away, behind, ahead))
    stream = StreamView(fps=30, bytes_per_s=3e6, age_ms={"p50": 61.5, "p95": 80.0, "p99": 90.0})
    condition = condition_of(replace(view(), topic=topic, stream=stream), None)
    assert (condition.age_ms, condition.backlog) == (61.5, 7)
    assert condition_of(replace(view(), topic=replace(topic, subscriptions=(away,))), None).backlog is None
