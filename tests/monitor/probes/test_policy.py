"""When probes are a problem, and when that has passed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.monitor.probes.policy import IN_TIME_AGAIN, WINDOW, Policy

BUDGET_MS = 250.0
FAST, SLOW, LOST = "fast", "slow", "lost"
outcomes = st.lists(st.sampled_from([FAST, SLOW, LOST]), max_size=60)


def told(policy: Policy, outcome: str) -> bool:
    """Give a policy an outcome, and return whether there is a problem."""
    if outcome == LOST:
        policy.failed("no receipt")
    else:
        policy.succeeded(BUDGET_MS + (1 if outcome == SLOW else -1))
    return bool(policy.reason)


def after(*sequence: str) -> Policy:
    policy = Policy(BUDGET_MS)
    for outcome in sequence:
        told(policy, outcome)
    return policy


def test_one_slow_probe_is_none_and_the_second_within_five_is_one() -> None:
    assert after(SLOW).reason == ""
    assert after(SLOW, FAST, FAST, SLOW).reason == "2 of the last 4 took more than 250 ms"
    assert not after(SLOW, SLOW).has_failed


def test_one_that_fails_is_a_problem_at_once_and_says_why() -> None:
    policy = after(FAST, FAST, LOST)
    assert (policy.reason, policy.has_failed, policy.is_recovering) == ("no receipt", True, False)


def test_it_has_passed_when_three_in_a_row_were_in_time() -> None:
    policy = after(LOST, FAST, FAST)
    assert (policy.reason, policy.is_recovering) == ("no receipt", True)
    assert not told(policy, FAST)
    assert not policy.is_recovering


def test_a_slow_one_meanwhile_begins_the_count_anew() -> None:
    assert after(LOST, FAST, FAST, SLOW, FAST, FAST).reason


def test_what_is_forgotten_counts_no_more() -> None:
    policy = after(SLOW, LOST)
    policy.forget()
    assert not told(policy, SLOW)


@given(outcomes)
def test_a_loss_is_always_told_and_three_in_time_always_clear(sequence: list[str]) -> None:
    policy = Policy(BUDGET_MS)
    for number, outcome in enumerate(sequence):
        is_problem = told(policy, outcome)
        if outcome == LOST:
            assert is_problem
        if sequence[: number + 1][-IN_TIME_AGAIN:] == [FAST] * IN_TIME_AGAIN:
            assert not is_problem


@given(outcomes)
def test_two_slow_ones_among_the_last_five_with_no_recovery_between_are_a_problem(sequence: list[str]) -> None:
    policy = Policy(BUDGET_MS)
    for number, outcome in enumerate(sequence):
        is_problem = told(policy, outcome)
        last = sequence[: number + 1][-WINDOW:]
        if last.count(SLOW) > 1 and FAST not in last:
            assert is_problem


@given(outcomes)
def test_it_does_not_flap_no_problem_ends_before_three_more_probes(sequence: list[str]) -> None:
    policy, began, was = Policy(BUDGET_MS), 0, False
    for number, outcome in enumerate(sequence):
        is_problem = told(policy, outcome)
        if is_problem and not was:
            began = number
        if was and not is_problem:
            assert number - began >= IN_TIME_AGAIN
        was = is_problem


@given(outcomes)
def test_it_does_not_begin_without_a_failure_or_a_second_slow_one(sequence: list[str]) -> None:
    policy, was = Policy(BUDGET_MS), False
    for number, outcome in enumerate(sequence):
        is_problem = told(policy, outcome)
        if is_problem and not was:
            assert outcome == LOST or sequence[: number + 1][-WINDOW:].count(SLOW) > 1
        was = is_problem
