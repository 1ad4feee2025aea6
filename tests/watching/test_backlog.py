"""When a viewer is too far behind what is published, whatever the clocks say."""

from __future__ import annotations

import math
import time

import pytest

from pulsar_cam.pulsar.messages.wire import Delivery
from pulsar_cam.watching.backlog import Backlog

MS = 1_000_000
PUBLISHED_NS = 1_800_000_000_000 * MS


def delivery(took_ms: float) -> Delivery:
    return Delivery("CAAQADAA", b"", PUBLISHED_NS, PUBLISHED_NS + round(took_ms * MS))


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    return now_s


@pytest.mark.parametrize("clocks_ms", [0, 60_000, -60_000])
def test_a_lag_beyond_the_limit_is_too_long_with_any_clocks(clocks_ms: float, now: list[float]) -> None:
    backlog = Backlog(500)
    assert [backlog.is_too_long(delivery(clocks_ms + took_ms)) for took_ms in (5, 300, 504, 506)] == [
        False, False, False, True,
    ]  # fmt: skip


def test_a_jump_gets_a_second_to_work(now: list[float]) -> None:
    backlog = Backlog(500)
    assert [backlog.is_too_long(delivery(took_ms)) for took_ms in (5, 600, 5, 900)] == [False, True, False, False]
    now[0] += 1.1
    assert backlog.is_too_long(delivery(900))


def test_a_link_that_is_slower_than_the_limit_is_not_left_again_and_again(now: list[float]) -> None:
    backlog = Backlog(500)
    assert not backlog.is_too_long(delivery(5))
    assert backlog.is_too_long(delivery(900))
    for _ in range(20):
        now[0] += 1.0
        assert not backlog.is_too_long(delivery(900))


def test_the_first_message_of_a_viewer_that_was_away_may_be_too_old(now: list[float]) -> None:
    backlog = Backlog(500, starts_behind=True)
    assert backlog.is_too_long(delivery(60_000))
    now[0] += 1.1
    assert not backlog.is_too_long(delivery(5))


def test_without_a_limit_no_lag_is_too_long(now: list[float]) -> None:
    backlog = Backlog(math.inf)
    assert not any(backlog.is_too_long(delivery(took_ms)) for took_ms in (5, 10**7))
