"""The dashboard of a monitor at a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pulsar_cam.cli.output import live_view
from pulsar_cam.monitor.screen.dashboard import MOST_VIEWS

from ...monitor.views import view


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, color_system=None, width=100, height=30, legacy_windows=False)
    monkeypatch.setattr(live_view, "errors", console)
    return output


def test_a_person_sees_that_it_has_begun_and_then_each_view(terminal: io.StringIO) -> None:
    with live_view.LiveView() as show:
        assert "the first probes are under way" in terminal.getvalue()
        show(view("ok"))
        assert "all is well" in terminal.getvalue()
        show(view("problem", 5))
    assert "node: connection refused" in terminal.getvalue()


def test_what_it_remembers_is_bounded(terminal: io.StringIO) -> None:
    live = live_view.LiveView()
    with live as show:
        for second in range(MOST_VIEWS + 10):
            show(view("ok", second))
    assert len(live._history) == MOST_VIEWS
