"""What messages show about the publisher's clock: bounded, never wrong by more than it says, never a negative age."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.frame import Packet
from pulsar_cam.measure.clocks import ClockOffset

MS = 1_000_000
SENT_NS = 1_800_000_000_000 * MS


def delivered(
    took_ms: float, publisher_round_trip_ms: float | None = 6, session: str = "a", size: int = 100_000
) -> Packet:
    """Return a packet that seems to have taken so long from sending to delivery."""
    return Packet(
        b"x" * size, 640, 480,
        captured_at_ns=SENT_NS - 5 * MS, session=session, sent_at_ns=SENT_NS,
        receipt_ns=None if publisher_round_trip_ms is None else round(publisher_round_trip_ms * MS),
        delivered_at_ns=SENT_NS + round(took_ms * MS),
    )  # fmt: skip


def test_a_plausible_message_leaves_the_clocks_alone_and_bounds_what_they_may_differ() -> None:
    clock = ClockOffset()
    clock.observe(delivered(7), 1 * MS)
    assert clock.offset_ns == 0
    assert clock.uncertainty_ms == 7.0


def test_the_fastest_message_counts() -> None:
    clock = ClockOffset()
    for took_ms in (400, 8, 3000, 90):
        clock.observe(delivered(took_ms), 2 * MS)
    assert clock.offset_ns == 0
    assert clock.uncertainty_ms == 8.0


def test_a_publisher_whose_clock_is_ahead_is_corrected() -> None:
    clock = ClockOffset()
    clock.observe(delivered(-5000 + 4), 2 * MS)
    assert clock.offset_ns / MS == pytest.approx(-5000, abs=5)
    assert clock.uncertainty_ms == pytest.approx(4, abs=0.1)


def test_a_publisher_whose_clock_is_behind_is_corrected_where_no_link_could_take_so_long() -> None:
    clock = ClockOffset()
    clock.observe(delivered(3000 + 4), 2 * MS)
    assert clock.offset_ns / MS == pytest.approx(3000, abs=5)
    assert clock.uncertainty_ms == pytest.approx(4, abs=0.1)


def test_a_slow_link_is_no_difference_of_clocks() -> None:
    clock = ClockOffset()
    clock.observe(delivered(1250, size=150_000), 1200 * MS)
    assert clock.offset_ns == 0
    assert clock.uncertainty_ms == 1250.0


def test_messages_that_waited_for_a_durable_subscription_are_no_difference_of_clocks() -> None:
    clock = ClockOffset(lags=True)
    clock.observe(delivered(3_600_000), 2 * MS)
    assert clock.offset_ns == 0
    clock.observe(delivered(-50), 2 * MS)
    assert clock.offset_ns < -50 * MS


def test_nothing_bounds_a_clock_without_round_trips() -> None:
    clock = ClockOffset()
    assert clock.uncertainty_ms is None
    clock.observe(delivered(7), None)
    assert (clock.offset_ns, clock.uncertainty_ms) == (0, None)
    clock.observe(delivered(7, publisher_round_trip_ms=None), 1 * MS)
    assert (clock.offset_ns, clock.uncertainty_ms) == (0, None)


def test_a_bare_picture_counts_from_the_node() -> None:
    clock = ClockOffset()
    clock.observe(Packet(b"", 1, 1, captured_at_ns=SENT_NS, delivered_at_ns=SENT_NS + 3 * MS), 4 * MS)
    assert (clock.offset_ns, clock.uncertainty_ms) == (0, 3.0)


HOUR_NS = 3_600_000 * MS


@pytest.mark.parametrize("hours", [-1, 1])
def test_our_own_clock_may_be_set_and_set_right_again(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """Or a viewer would take every frame from then on for an hour old."""
    now_ns, clock = time.time_ns, ClockOffset()
    for set_by_ns in (0, hours * HOUR_NS, 0):
        monkeypatch.setattr(time, "time_ns", lambda by_ns=set_by_ns: now_ns() + by_ns)
        for _ in range(2):
            clock.observe(delivered(7 + set_by_ns / MS), 1 * MS)
            assert clock.offset_ns / MS == pytest.approx(set_by_ns / MS, abs=10)


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_publishers_clock_may_be_set_and_set_right_again(hours: int) -> None:
    clock = ClockOffset()
    for set_by_ns in (0, hours * HOUR_NS, 0):
        for _ in range(2):
            packet = delivered(7)
            assert packet.sent_at_ns
            clock.observe(replace(packet, sent_at_ns=packet.sent_at_ns + set_by_ns), 1 * MS)
            assert clock.offset_ns / MS == pytest.approx(-set_by_ns / MS, abs=10)


def test_another_publisher_is_another_clock() -> None:
    clock = ClockOffset()
    clock.observe(delivered(-5000), 2 * MS)
    clock.observe(delivered(7, session="b"), 2 * MS)
    assert clock.offset_ns == 0


@given(
    offset_ms=st.floats(-1e7, 1e7),
    one_way_ms=st.floats(0.5, 200),
    delays_ms=st.lists(st.floats(0, 2000), min_size=1, max_size=10),
)
def test_the_true_offset_is_within_what_is_told(offset_ms: float, one_way_ms: float, delays_ms: list[float]) -> None:
    clock = ClockOffset()
    for delay_ms in (*delays_ms, 0.0):
        took_ms = one_way_ms + delay_ms + offset_ms
        clock.observe(delivered(took_ms, publisher_round_trip_ms=one_way_ms), round(one_way_ms * MS))
    assert clock.uncertainty_ms is not None
    assert abs(clock.offset_ns / MS - offset_ms) <= clock.uncertainty_ms + 1.1
