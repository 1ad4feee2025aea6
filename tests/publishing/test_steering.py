"""The steering of a publisher: what it reads, what it sets, and what it only says."""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace
from typing import cast

import pytest

from pulsar_cam.publishing.control.controller import STEP_S
from pulsar_cam.publishing.control.demand import Audience, Demand
from pulsar_cam.publishing.control.following import Following
from pulsar_cam.publishing.control.setting import Setting
from pulsar_cam.publishing.fit import FittingEncoder
from pulsar_cam.publishing.gauge import Gauge
from pulsar_cam.publishing.intake import Throttle
from pulsar_cam.publishing.plan import Adapt, PublishPlan
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.publishing.steering import Steering
from pulsar_cam.pulsar.messages.condition import Condition
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.sources.reader import SourceReader

FPS = 30


def let_through(throttle: Throttle, seconds: float, began_s: float = 0.0) -> list[str | None]:
    """Offer frames for so long at 30 fps; return why each is dropped, None for those that are let through."""
    with pytest.MonkeyPatch.context() as patch:
        reasons = []
        for number in range(round(seconds * FPS)):
            patch.setattr(time, "monotonic", lambda at_s=began_s + number / FPS: at_s)
            reasons.append(throttle.reason_to_drop())
        return reasons


def test_a_throttle_lets_a_lower_rate_through_and_names_the_reason() -> None:
    throttle = Throttle()
    assert let_through(throttle, 1) == [None] * FPS
    throttle.set(10, "rate_lowered")
    reasons = let_through(throttle, 2, began_s=1)
    assert reasons.count(None) == 20
    assert set(reasons) == {None, "rate_lowered"}
    throttle.set(None, "")
    assert let_through(throttle, 1, began_s=3) == [None] * FPS


class Stream:
    """A publisher whose link is as slow as a test wants: a double, so that seconds pass in no time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, adapt: Adapt = Adapt.ON, on_demand: bool = False) -> None:
        self.now_s, self.receipt_ms = 1000.0, 5.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)
        self.stats, self.encoder, self.throttle = PublishStats(), FittingEncoder(80, 10**9), Throttle()
        self.demand = SimpleNamespace(audience=None, is_there=True)
        self.following = SimpleNamespace(condition=None)
        self._producer = SimpleNamespace(
            is_connected=True, is_stalled=False, reconnects=0, receipts=0, in_flight=2, oldest_in_flight_s=0.0,
            ping_s=0.001, last_receipts_ns=lambda count: [round(self.receipt_ms * 1e6)] * count,
        )  # fmt: skip
        demand = cast(Demand, self.demand)
        gauge = Gauge(cast(Producer, self._producer), self.stats, demand, cast(Following, self.following))
        plan = PublishPlan(quality=80, adapt=adapt, on_demand=on_demand)
        self._steering = Steering(plan, gauge, self.encoder, self.throttle, self.stats, demand)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            for _ in range(round(FPS * STEP_S)):
                self.stats.captured_rate.count()
                self.stats.published_rate.count()
                self._producer.receipts += 1
            self._steering.step()


def test_a_slow_link_lowers_and_a_fast_one_restores(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stream = Stream(monkeypatch)
    stream.run(5)
    assert (stream.stats.aim.changes, stream.stats.aim.setting.quality, stream.stats.aim.setting.fps) == (0, 80, FPS)
    stream.receipt_ms = 400
    stream.run(3)
    assert stream.encoder.wanted.quality < 80
    assert stream.stats.aim.setting == stream.encoder.wanted
    assert "receipts take 399 ms over the round trip of 1 ms, target 150 ms: quality 80 to" in caplog.text
    stream.receipt_ms = 5
    stream.run(20)
    assert stream.encoder.wanted.quality == 80
    assert stream.stats.aim.changes >= 2


def test_a_monitor_that_sees_late_frames_is_heeded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Stream(monkeypatch)
    stream.run(5)
    stream.following.condition = Condition(age_ms=900, max_age_ms=500)
    stream.run(10)
    assert stream.encoder.wanted.quality < 80
    assert "frames reach the monitor 900 ms old, limit 500 ms: quality 80 to 70" in caplog.text


def test_a_monitor_tells_the_backlog_where_the_admin_api_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(monkeypatch)
    stream.run(5)
    for backlog in range(100, 2000, 100):
        stream.following.condition = Condition(backlog=backlog)
        stream.run(1)
    assert stream.encoder.wanted.quality < 80


def test_a_node_that_was_just_started_may_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(monkeypatch)
    stream.receipt_ms = 400
    stream.run(2.8)
    stream.receipt_ms = 5
    stream.run(10)
    assert stream.stats.aim.changes == 0


@pytest.mark.parametrize(("adapt", "said"), [(Adapt.OFF, 0), (Adapt.DRY_RUN, 2)])
def test_fixed_changes_nothing_and_a_dry_run_only_says(
    adapt: Adapt, said: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Stream(monkeypatch, adapt=adapt)
    stream.receipt_ms = 400
    stream.run(18)
    assert (stream.stats.aim.changes, stream.encoder.wanted.quality) == (0, 80)
    assert caplog.text.count("dry run: receipts take 399 ms") == said


def test_a_rate_that_was_lowered_is_kept_by_leaving_frames_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(monkeypatch)
    stream.run(5)
    stream.receipt_ms = 4000
    stream.run(120)
    assert stream.stats.aim.setting == Setting(40, 0.25, 5.0)
    reasons = let_through(stream.throttle, 2, began_s=2000)
    assert reasons.count(None) in (10, 11)
    assert set(reasons) == {None, "rate_lowered"}


def test_without_a_viewer_one_frame_a_second_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(monkeypatch, on_demand=True)
    stream.demand.is_there = False
    stream.run(1)
    reasons = let_through(stream.throttle, 3, began_s=2000)
    assert reasons.count(None) in (3, 4)
    assert set(reasons) == {None, "no_viewer"}
    stream.demand.is_there, stream.demand.audience = True, Audience(1, 0)
    stream.run(1)
    assert let_through(stream.throttle, 1, began_s=2010) == [None] * FPS


def test_demand_does_not_matter_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(monkeypatch)
    stream.demand.is_there = False
    stream.run(1)
    assert let_through(stream.throttle, 1) == [None] * FPS


def test_while_a_camera_is_lost_there_is_nothing_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(monkeypatch)
    stream.run(5)
    lost = SimpleNamespace(trouble="camera-0 stopped")
    stream.stats.source = cast(SourceReader, lost)
    stream.receipt_ms = 4000
    stream.run(20)
    assert stream.stats.aim.changes == 0
    lost.trouble = ""
    stream.run(5)
    assert stream.stats.aim.changes > 0
