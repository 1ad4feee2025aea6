"""The dashboard: everything on one screen, whatever its size, and nothing that others could write into it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from pulsar_cam.health.finding import Finding, State
from pulsar_cam.measure.stages import Percentiles
from pulsar_cam.monitor.screen.dashboard import MOST_VIEWS, dashboard
from pulsar_cam.monitor.screen.sparkline import sparkline
from pulsar_cam.monitor.view import Advice, ProbeView, Session, StreamView, SubscriptionView, TopicView, View

from ..views import START_NS, view

PARTS = ("node", "connect", "sessions", "probes", "storage", "topic", "stream")
SESSIONS: tuple[Session, ...] = ("kept", "fresh")
AGES: Percentiles = {"p50": 15.0, "p95": 22.4, "p99": 31.0}
HOSTILE = "\x1b[31m[bold red]viewer[/]\u202e\n"


def full_view(second: float = 0, state: State = "ok", change: str = "", viewers: int = 2) -> View:
    """A view in which everything is known, and the node has a state."""
    findings = tuple(Finding(part, "ok", "answers within 3 ms") for part in PARTS[1:])
    kinds = [(session, size, True) for session in SESSIONS for size in (1_000, 50_000, 200_000)]
    probes = tuple(
        ProbeView(
            session,
            size,
            is_stored,
            receipt_ms=4.0,
            end_to_end_ms=8.0,
            receipts_ms=AGES,
            ends_to_ends_ms=AGES,
            sent=100,
            lost=2,
        )
        for session, size, is_stored in [*kinds, ("kept", 1_000, False)]
    )
    subscriptions = tuple(SubscriptionView(f"viewer{n}", True, 1, n, 30.0) for n in range(viewers))
    return View(
        (Finding("node", state, "connection refused", change), *findings),
        probes=probes,
        connect_ms=12.0,
        connects_ms=AGES,
        idle_s=130.0,
        reconnects=3,
        topic=TopicView(1, 30.1, 4.2e6, 60.0, 8.4e6, 12_000_000, 1_500_000, 2_000_000_000, 0, subscriptions),
        stream=StreamView(29.9, 4.2e6, AGES, "1280x720 q80", 900, 17),
        advice=(Advice("retention would keep more than the disk has; lower it"),) * 3,
        at_ns=START_NS + round(second * 1e9),
    )


def drawn(*history: View, width: int = 100, height: int = 30, encoding: str = "utf-8") -> list[str]:
    """Return the rows of the dashboard on a terminal of that size."""
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(
        file=output, width=width, height=height, force_terminal=True, color_system=None, legacy_windows=False
    )
    console.print(dashboard(history), end="")
    output.flush()
    data = output.buffer
    assert isinstance(data, io.BytesIO)
    return data.getvalue().decode(encoding).splitlines()


def test_all_that_the_monitor_sees_is_on_the_screen() -> None:
    text = "\n".join(drawn(full_view()))
    for part in PARTS:
        assert part in text
    for shown in (
        " ok  all is well",
        "kept 200 kB",
        "fresh 50 kB",
        "kept 1 kB, not stored",
        "29.9 fps",
        "age 15/22/31 ms",
        "1280x720 q80  missing 17",
        "1 publisher, 2 viewers  in 30.1/s 4.2 MB/s  out 60.0/s 8.4 MB/s",
        "on disk 12 MB  backlog 1.5 MB of 2 GB",
        "viewer1",
        "opened in 15/22/31 ms",
        "reconnected 3 times",
        "retention would keep more",
    ):
        assert shown in text


@pytest.mark.parametrize(("width", "height"), [(100, 30), (80, 24), (120, 50), (60, 24)])
@pytest.mark.parametrize("viewers", [0, 1, 30])
def test_it_fits(width: int, height: int, viewers: int) -> None:
    views = [full_view(second, "problem", "start it", viewers) for second in range(MOST_VIEWS)]
    rows = drawn(*views, width=width, height=height)
    assert len(rows) < height
    assert max(map(len, rows)) <= width
    assert any(row.startswith("sessions") for row in rows)


def test_what_fails_is_said_first_with_what_to_change_and_since_when() -> None:
    rows = drawn(full_view(0), full_view(5, "problem", "start it"), full_view(10, "problem", "start it"))
    assert rows[0].startswith(" problem  node: connection refused  since ")
    assert rows[0].endswith(", 5 s")
    assert rows[1] == " -> start it"


def test_a_state_from_before_the_history_says_so() -> None:
    assert "or before" in drawn(full_view(0), full_view(5))[0]


def test_what_else_fails_says_what_to_change_below_its_row() -> None:
    both = replace(
        full_view(),
        findings=(Finding("node", "problem", "dead", "start it"), Finding("topic", "warning", "old", "renew it")),
    )
    rows = [row.strip() for row in drawn(both)]
    assert rows.count("-> renew it") == 1
    assert rows.count("-> start it") == 1


def test_a_view_of_nothing_can_be_drawn() -> None:
    text = "\n".join(drawn(view("problem"), View(())))
    assert "no frames yet" in text
    assert "not known" in text


def test_the_largest_backlog_is_shown_where_there_is_room_for_few() -> None:
    text = "\n".join(drawn(full_view(viewers=30), height=24, width=80))
    assert "viewer29" in text
    assert "and 29 more" in text


def test_nobody_can_write_markup_or_escapes_into_it() -> None:
    hostile = full_view()
    assert hostile.topic
    topic = replace(hostile.topic, subscriptions=(SubscriptionView(HOSTILE, True, 1, 5, 1.0),))
    stream = replace(hostile.stream, picture=HOSTILE, notice=HOSTILE)
    findings = (Finding("node", "problem", HOSTILE, HOSTILE), Finding("topic", "warning", HOSTILE, HOSTILE))
    text = "\n".join(drawn(replace(hostile, topic=topic, stream=stream, findings=findings)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold red]viewer[/]" in text


def test_a_terminal_without_unicode_gets_none() -> None:
    assert any("reconnected" in row for row in drawn(full_view(), encoding="latin-1"))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], "    "),
        ([0.0, 0.0], "  ▁▁"),
        ([0.0, 7.0], "  ▁█"),
        ([3.0, None, 7.0], " ▄x█"),
        ([9.0, 0.0, 1.0, 2.0, 7.0], "▁▂▃█"),
        ([None, None], "  xx"),
        ([-5.0, 7.0], "  ▁█"),
    ],
)
def test_a_sparkline_is_relative_to_its_highest(values: list[float | None], line: str) -> None:
    assert sparkline(values, 4).plain == line


def test_a_sparkline_without_room_is_empty() -> None:
    assert sparkline([1.0], 0).plain == sparkline([1.0], -3).plain == ""
