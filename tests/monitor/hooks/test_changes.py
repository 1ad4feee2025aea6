"""When a change of state is announced."""

from __future__ import annotations

import pytest

from pulsar_cam.health.finding import State
from pulsar_cam.monitor.hooks.changes import Change, Changes

from ..views import view

LETTERS: dict[str, State] = {"o": "ok", "w": "warning", "p": "problem"}


def told(states: str, hold: int = 2, part: str = "node") -> list[Change]:
    """Return the changes of a run in which each letter is the state of one second."""
    changes = Changes(hold)
    followed = (changes.follow(view(LETTERS[letter], second, part)) for second, letter in enumerate(states))
    return [change for change in followed if change]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("oooo", []),
        ("opoooopo", []),
        ("popopopopo", []),
        ("ppp", ["problem"]),
        ("oppppppoooo", ["problem", "ok"]),
        ("oppopopopop", ["problem"]),
        ("oowwppwwoo", ["warning", "problem", "warning", "ok"]),
        ("owpwpwp", ["warning"]),
        ("ppwowowpp", ["problem", "warning", "problem"]),
    ],
)
def test_a_state_is_told_once_it_has_held(states: str, expected: list[str]) -> None:
    assert [change.state for change in told(states)] == expected


def test_a_state_can_be_asked_to_hold_for_longer() -> None:
    assert told("oppoppopp", hold=3) == []
    assert [change.state for change in told("oppp", hold=3)] == ["problem"]


def test_a_problem_is_told_with_its_reason_and_cleared_with_its_downtime() -> None:
    problem, ok = told("oo" + "p" * 10 + "oooo", part="storage")
    assert (problem.before, problem.part, problem.reason) == ("ok", "storage", "storage: connection refused")
    assert (problem.change, problem.clears) == ("start it", "")
    assert (ok.before, ok.part, ok.reason, ok.change) == ("problem", "storage", "", "")
    assert (ok.clears, ok.downtime_s) == ("storage: connection refused", 10.0)


def test_a_warning_is_no_downtime() -> None:
    _, warning, ok = told("pppwwwwwoo")
    assert (warning.downtime_s, ok.downtime_s) == (3.0, 3.0)
    assert warning.clears == "node: connection refused"


def test_downtime_begins_anew_when_all_was_well() -> None:
    changes = told("p" * 5 + "ooopoo" + "p" * 7 + "oo")
    assert [change.downtime_s for change in changes if change.state == "ok"] == [5.0, 7.0]


def test_a_clock_that_is_set_back_makes_no_negative_downtime() -> None:
    changes = Changes()
    for second in (1000.0, 1001.0, 0.0, 1.0):
        changes.follow(view("problem", second))
    changes.follow(view("ok", 2.0))
    last = changes.follow(view("ok", 3.0))
    assert last
    assert last.downtime_s == 3.0


def test_a_change_as_json_and_in_words() -> None:
    problem, ok = told("pppoo")
    assert problem.as_dict() == {
        "at": "2026-01-01T00:00:01.000Z",
        "state": "problem",
        "before": "ok",
        "part": "node",
        "reason": "node: connection refused",
        "change": "start it",
        "clears": "",
        "downtime_s": 1.0,
        "text": "problem: node: connection refused",
    }
    assert ok.text == "ok after 3 s of downtime (no more: node: connection refused)"
