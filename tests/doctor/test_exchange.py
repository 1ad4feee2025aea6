"""How far a clock is off."""

from __future__ import annotations

import pytest

from pulsar_cam.doctor.exchange import ClockSample, clock_offset

from .answers import MS


def test_clock_offset_is_bounded_by_the_best_of_all_messages() -> None:
    fast_out, fast_back = ClockSample(0, 51 * MS, 90 * MS), ClockSample(100 * MS, 190 * MS, 141 * MS)
    assert clock_offset([fast_out, fast_back]) == pytest.approx((0.0505, 0.0015))
