"""What a run logs and what it comes to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pulsar_cam.health.finding import Finding
from pulsar_cam.monitor.hooks.change_log import ChangeLog
from pulsar_cam.monitor.screen.totals import Totals
from pulsar_cam.monitor.view import ProbeView, View

from ..views import view


def test_each_change_is_logged_once_with_its_reason_and_the_recovery_with_its_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = ChangeLog()
    for second, state in enumerate(("ok", "ok", "warning", "problem", "problem", "ok", "ok")):
        log.add(view(state, second))  # type: ignore[arg-type]
    assert caplog.messages == [
        "node: warning: connection refused; start it",
        "node: problem: connection refused; start it",
        "node: ok again after 3.0 s: answers",
    ]


def test_what_is_not_known_is_neither_worse_nor_better(caplog: pytest.LogCaptureFixture) -> None:
    log = ChangeLog()
    for second, state in enumerate(("skipped", "problem", "skipped", "problem", "skipped", "ok")):
        log.add(view(state, second))  # type: ignore[arg-type]
    assert len(caplog.messages) == 2
    assert "after 4.0 s" in caplog.messages[1]


def test_a_clock_that_is_set_back_gives_no_negative_time(caplog: pytest.LogCaptureFixture) -> None:
    log = ChangeLog()
    log.add(view("problem", 100))
    log.add(view("ok", 0))
    assert "after 0.0 s" in caplog.messages[1]


def test_totals_are_sums_over_the_probes_and_the_rounds() -> None:
    totals = Totals()
    assert totals.as_dict()["state"] is None
    probes = (
        ProbeView("kept", 1000, True, sent=9, lost=1),
        ProbeView("fresh", 1000, True, sent=8, refused=2, late=1),
    )
    for state in ("ok", "problem", "problem"):
        totals.add(replace(view(state), probes=probes, reconnects=3))
    assert totals.sentence == (
        "3 rounds, 2 with a problem (node 2); sent 17 probes, lost 1, refused 2, late 1, repeated 0, "
        "out of order 0; reconnected 3 times"
    )
    told = totals.as_dict()
    assert (told["problem_rounds"], told["sent"], told["state"]) == ({"node": 2}, 17, "problem")


def test_a_view_tells_the_worst_of_its_parts_first() -> None:
    parts = (
        Finding("node", "skipped", "-"),
        Finding("topic", "warning", "full"),
        Finding("stream", "problem", "old"),
    )
    assert (View(parts).state, View(parts).reason) == ("problem", "stream: old")
    assert (View(parts[:2]).state, View(parts[:1]).state, View(parts[:1]).reason) == ("warning", "ok", "")
