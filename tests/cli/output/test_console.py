"""What a person sees besides the results."""

from __future__ import annotations

import io
import json
import logging
import sys
import time
from typing import Any

import pytest
from rich.console import Console

from pulsar_cam.cli.output import console
from pulsar_cam.measure.stages import Stages


class Counters:
    """Counters that stand still."""

    has_begun = True
    parts = ("30 fps", "published 3")
    stages = Stages("encode")

    def as_dict(self) -> dict[str, Any]:
        return {}


def test_a_log_line_stays_one_line(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.errors, "width", 20)
    console.set_up_logging(0)
    logger.warning("the connection to %s was lost [bold]", "ws://camera-host:8080")
    assert capsys.readouterr().err == "the connection to ws://camera-host:8080 was lost [bold]\n"


def test_the_summary_goes_to_stdout_also_while_a_line_is_live_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(console, "errors", terminal)
    with console.StatusLine(Counters(), "publish", as_json=False) as status, status.summary(lambda: "published 3"):
        status.tick()
    assert capsys.readouterr().out.startswith("published 3 in ")


def test_stages_are_shown_each_second_and_in_the_summary(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "errors", Console(file=sys.stderr, width=200))
    counters, now_s = Counters(), time.monotonic()
    counters.stages = Stages("encode")
    counters.stages["encode"].add(2_000_000)
    line = console.StatusLine(counters, "publish", as_json=False, with_stages=True)
    with line as status, status.summary(lambda: "done"):
        status.tick()
        monkeypatch.setattr(time, "monotonic", lambda: now_s + 1.5)
        status.tick()
    output = capsys.readouterr()
    assert output.err == "30 fps  published 3\n  encode 2.0/2.0/2.0 ms\n"
    assert output.out == "done in 1.5 s\n  p50/p95/p99: encode 2.0/2.0/2.0 ms\n"


def test_a_json_line_says_of_which_command_and_when(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_767_225_600_250_000_000)
    with console.StatusLine(Counters(), "watch", as_json=True) as status, status.summary(lambda: "done"):
        pass
    line = json.loads(capsys.readouterr().out)
    del line["elapsed_s"]
    assert line == {"command": "watch", "event": "summary", "at": "2026-01-01T00:00:00.250Z"}
