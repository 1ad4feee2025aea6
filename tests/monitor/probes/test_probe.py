"""What is counted of the messages to ourselves."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.monitor.probes.arrivals import Arrivals
from pulsar_cam.monitor.probes.probe import Outcome, Probe

CAME, LOST, REFUSED = Outcome(3.0, 5.0), Outcome(3.0, problem="it did not come"), Outcome(problem="disk full")


def probe() -> Probe:
    return Probe("kept", 1000, True, budget_ms=250)


@given(st.lists(st.sampled_from([CAME, LOST, REFUSED]), max_size=300))
def test_every_probe_came_or_was_lost_or_refused(outcomes: list[Outcome]) -> None:
    counted = probe()
    for outcome in outcomes:
        counted.settle(outcome)
    view = counted.view()
    assert view.sent == len(outcomes)
    assert (view.lost, view.refused) == (outcomes.count(LOST), outcomes.count(REFUSED))


def test_what_a_view_says_of_the_last_probe_and_of_those_before() -> None:
    measured = probe()
    measured.settle(CAME)
    measured.settle(Outcome(30.0, 50.0))
    view = measured.view()
    assert (view.receipt_ms, view.end_to_end_ms, view.ends_to_ends_ms["p50"]) == (30.0, 50.0, 27.5)
    measured.settle(LOST)
    assert (measured.view().receipt_ms, measured.view().end_to_end_ms) == (3.0, None)
    assert measured.policy.reason == "it did not come"
    measured.begin_round()
    assert measured.view().receipt_ms is None


def test_an_arrival_is_told_to_who_waits_for_it() -> None:
    async def main() -> int:
        arrivals = Arrivals()
        number, arrival_ns = arrivals.expect(probe())
        arrivals.came(number, at_ns=7)
        return await arrival_ns

    assert asyncio.run(main()) == 7


def test_late_repeated_and_out_of_order_ones_are_counted_where_they_belong() -> None:
    async def main() -> tuple[Probe, Probe]:
        arrivals, small, large = Arrivals(), probe(), probe()
        first, given_up = arrivals.expect(small)
        second, _ = arrivals.expect(large)
        given_up.cancel()
        arrivals.came(second, 1)
        arrivals.came(first, 2)
        arrivals.came(first, 3)
        return small, large

    small, large = asyncio.run(main())
    assert (small.late, small.out_of_order, small.repeated) == (1, 1, 1)
    assert (large.late, large.out_of_order, large.repeated) == (0, 0, 0)


def test_numbers_that_are_not_ours_or_long_ago_are_nothing() -> None:
    async def main() -> Probe:
        arrivals, ours = Arrivals(), probe()
        for _ in range(5000):
            arrivals.expect(ours)
        assert len(arrivals._sent) == 1000
        for number in (-1, 0, 10**18):
            arrivals.came(number, 1)
        return ours

    ours = asyncio.run(main())
    assert (ours.late, ours.repeated, ours.out_of_order) == (0, 0, 0)


@given(st.lists(st.integers(min_value=-1, max_value=30), max_size=100))
def test_each_number_comes_once_and_what_is_more_is_repeated(numbers: list[int]) -> None:
    async def main() -> Probe:
        arrivals, ours = Arrivals(), probe()
        for _ in range(20):
            arrivals.expect(ours)
        for number in numbers:
            arrivals.came(number, 1)
        return ours

    known = [number for number in numbers if 0 <= number < 20]
    assert asyncio.run(main()).repeated == len(known) - len(set(known))
