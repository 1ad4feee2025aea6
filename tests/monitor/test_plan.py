"""The choices of one run of the monitor."""

from __future__ import annotations

import pytest

from pulsar_cam.errors import InvalidOption
from pulsar_cam.monitor.plan import Plan

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("interval_s", "sizes", "budget_ms"),
    [(0.5, (1,), 1), (1e9, (1,), 1), (NAN, (1,), 1), (5, (), 1), (5, (0,), 1), (5, (10**8,), 1),
     (5, tuple(range(1, 20)), 1), (5, (1,), 0), (5, (1,), NAN), (5, (1,), INF), (5, (1,), -1)],
)  # fmt: skip
def test_a_plan_that_cannot_work(interval_s: float, sizes: tuple[int, ...], budget_ms: float) -> None:
    with pytest.raises(InvalidOption, match="expected"):
        Plan.of(interval_s, sizes, budget_ms, False)


def test_a_plan_waits_less_than_its_interval_and_sends_each_size_once_the_small_ones_first() -> None:
    plan = Plan.of(2.0, (200, 100, 100), 250.0, False)
    assert (plan.patience_s, plan.probe_sizes, plan.budget_ms) == (1.6, (100, 200), 250.0)
    assert Plan.of(3600.0, (1,), 250.0, False).patience_s == 10.0
