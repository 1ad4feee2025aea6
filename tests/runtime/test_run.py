"""When a run of `publish` or `watch` goes on, and which limits it can have."""

from __future__ import annotations

import math
import threading
import time
from types import SimpleNamespace
from typing import cast

import pytest

from pulsar_cam.errors import InvalidOption
from pulsar_cam.runtime.background import Background
from pulsar_cam.runtime.run import Run, check_limits


def run_of(*, network: bool = True, stop: bool = False, quits: bool = False, duration_s: float | None = None) -> Run:
    stopping = threading.Event()
    if stop:
        stopping.set()
    return Run(cast(Background, SimpleNamespace(is_running=network)), stopping, lambda: quits, duration_s)


def test_it_goes_on_until_it_is_stopped_or_its_network_ends() -> None:
    assert run_of().goes_on
    assert not run_of(network=False).goes_on
    assert not run_of(stop=True).goes_on
    assert not run_of(quits=True).goes_on


def test_a_network_that_ends_is_not_a_wish_to_stop() -> None:
    assert not run_of(network=False).is_stopped
    assert run_of(stop=True).is_stopped
    assert run_of(quits=True).is_stopped


def test_its_time_is_over_after_its_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    endless, short = run_of(), run_of(duration_s=5.0)
    assert not short.is_over_time
    now_s += 5.1
    assert short.is_over_time
    now_s += 1e9
    assert not endless.is_over_time


@pytest.mark.parametrize(("frames", "duration_s"), [(None, None), (1, 0.1), (10**9, 1e9)])
def test_limits_that_can_be_reached_pass_and_one_below_does_not(frames: int | None, duration_s: float | None) -> None:
    check_limits(frames, duration_s)
    with pytest.raises(InvalidOption, match="`frames` 0"):
        check_limits(0, duration_s)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.inf, math.nan])
def test_a_duration_that_is_none_is_wrong_usage(duration_s: float) -> None:
    with pytest.raises(InvalidOption, match="`duration_s`"):
        check_limits(None, duration_s)
