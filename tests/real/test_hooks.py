"""What is called when a real node goes and comes back."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulsar_cam.health.finding import State
from pulsar_cam.monitor.hooks.hooks import TIMEOUT_S

from ..lab.mortal import MortalNode, mortal_node
from ..lab.xvfb import wait_until
from ..monitor.hooks.test_hooks import SECRET, server
from .command_line import CommandLine

MONITOR = ("monitor", "--interval", "1", "--probe-sizes", "1000", "--json")


@pytest.fixture
def mortal(_pulsar: None, tmp_path: Path) -> Iterator[MortalNode]:
    with mortal_node(tmp_path / "node") as node:
        yield node


def recorder(folder: Path) -> tuple[str, Path]:
    """Return a command that appends the change it is called with to a file, and that file."""
    told, program = folder / "calls.jsonl", folder / "record.py"
    program.write_text(f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + '\\n')")
    return f"{sys.executable} {program}", told


def changes_in(told: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []


def views_in(lines: Path) -> list[dict[str, Any]]:
    """Return the views that were recorded so far; a line that is being written is left out."""
    return [json.loads(line) for line in lines.read_text().split("\n")[:-1]]


def test_a_node_that_stops_and_comes_back_is_told_once_each(mortal: MortalNode, tmp_path: Path) -> None:
    command, told = recorder(tmp_path)
    lines = tmp_path / "monitor.jsonl"
    with server(204) as (url, posted), lines.open("w") as output:
        cli = CommandLine(mortal.state, {"PULSAR_CAM_WEBHOOK": url, "PULSAR_CAM_TOKEN": ""})
        monitor = cli.start(*MONITOR, "--on-change", command, output=output)
        wait_until(lambda: any(each["state"] == "ok" for each in views_in(lines)), "good state", 60)
        mortal.kill()
        wait_until(lambda: len(changes_in(told)) == 1, "call", 60)
        seen = len(views_in(lines))
        wait_until(lambda: len(views_in(lines)) > seen + 3, "some more views of the same")
        mortal.start()
        wait_until(lambda: len(changes_in(told)) == 2, "second call", 60)
        wait_until(lambda: len(posted) == 2, "second post", 60)
        monitor.signal(signal.SIGTERM)
        ended = monitor.wait()
    problem, ok = changes_in(told)
    assert (problem["state"], problem["before"], problem["part"]) == ("problem", "ok", "node")
    assert problem["reason"].startswith("node: ")
    assert problem["reason"] in [each["reason"] for each in views_in(lines)]
    assert (ok["state"], ok["before"], ok["reason"]) == ("ok", "problem", "")
    assert (ok["clears"], ok["downtime_s"] > 3) == (problem["reason"], True)
    assert posted == [problem, ok]
    assert SECRET not in ended.err


def test_hooks_that_hang_delay_no_view_and_no_end(mortal: MortalNode, tmp_path: Path) -> None:
    lines, program = tmp_path / "monitor.jsonl", tmp_path / "hang.py"
    program.write_text("import time; time.sleep(600)")
    with server(None) as (url, posted), lines.open("w") as output:
        cli = CommandLine(mortal.state, {"PULSAR_CAM_WEBHOOK": url})
        monitor = cli.start(*MONITOR, "--on-change", f"{sys.executable} {program}", output=output)
        wait_until(lambda: len(views_in(lines)) > 1, "views", 60)
        mortal.kill()
        wait_until(lambda: len(posted) == 1, "post", 60)
        seen = len(views_in(lines))
        # As many as come while both hang: they are ended only after their time.
        wait_until(lambda: len(views_in(lines)) >= seen + 5, "views while hooks hang", TIMEOUT_S)
        monitor.signal(signal.SIGTERM)
        ended = monitor.wait()
    assert "took too long to hear" in ended.err or "it took more than" in ended.err
    assert ended.code == 130


def test_a_node_that_flaps_is_told_once(mortal: MortalNode, tmp_path: Path) -> None:
    command, told = recorder(tmp_path)
    lines = tmp_path / "monitor.jsonl"

    def states() -> list[State]:
        return [each["state"] for each in views_in(lines) if each["event"] == "status"]

    with lines.open("w") as output:
        monitor = CommandLine(mortal.state).start(*MONITOR, "--on-change", command, output=output)
        wait_until(lambda: "ok" in states(), "good state", 60)
        for _ in range(3):
            seen = len(states())
            mortal.process.suspend()
            wait_until(lambda seen=seen: "problem" in states()[seen:], "bad state")  # type: ignore[misc]
            mortal.process.resume()
        wait_until(lambda: "problem" not in states()[-2:], "two views without a problem", 60)
        wait_until(lambda: len(changes_in(told)) == 2, "the second call")
        monitor.signal(signal.SIGTERM)
        monitor.wait()
    problem, better = changes_in(told)
    assert (problem["state"], problem["before"]) == ("problem", "ok")
    assert (better["state"] != "problem", better["clears"]) == (True, problem["reason"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--on-change", "no-such-program"), "--on-change no-such-program: there is no such program"),
        (("--webhook", "http://hooks.example/a-secret"), "--webhook (hidden): expected https://"),
        (("--webhook-file", "no-such-file"), "--webhook-file no-such-file: cannot be read"),
    ],
)
def test_a_hook_that_cannot_work_is_wrong_usage(options: tuple[str, str], says: str) -> None:
    ended = CommandLine(None).run("monitor", *options)
    assert ended.code == 2
    assert says in ended.err
    assert "secret" not in ended.err


def test_help_shows_no_webhook() -> None:
    ended = CommandLine(None, {"PULSAR_CAM_WEBHOOK": f"https://hooks.example/{SECRET}"}).run("monitor", "--help")
    assert "PULSAR_CAM_WEBHOOK" in ended.out
    assert SECRET not in ended.out
