"""What --help prints: the same groups of options for every command, within the columns of the terminal."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from pulsar_cam.cli import app

GROUPS = [
    "Arguments", "Node", "Source", "Picture", "Stream", "Limits", "Probes", "When to stop", "When a state changes",
    "Output", "Connection", "Metrics",
]  # fmt: skip
COMMANDS = [
    ["publish"], ["watch"], ["create-topic"], ["demo"], ["doctor"], ["monitor"], ["report"],
    ["node", "start"], ["node", "stop"], ["node", "status"], ["node", "logs"],
]  # fmt: skip


def help_of(*command: str, columns: int = 80) -> str:
    shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": str(columns)})
    assert shown.exit_code == 0
    return shown.output


@pytest.mark.parametrize("command", COMMANDS)
def test_groups_have_the_same_names_and_order_for_all_commands(command: list[str]) -> None:
    titles = re.findall(r"^╭─ ([\w ]+?) (?:\(|─)", help_of(*command), re.MULTILINE)
    assert titles == [group for group in GROUPS if group in titles]
    assert "Output" in titles


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_the_terminal_and_flags_take_no_value(command: list[str], columns: int) -> None:
    text = help_of(*command, columns=columns)
    assert max(map(len, text.splitlines())) <= columns
    assert "<bool>" not in text
    assert "\u2026" not in text


def test_sentences_are_broken_where_the_terminal_is_full() -> None:
    text = help_of("monitor", columns=200)
    assert "each is ok, a warning, a problem, or skipped (could not be found out)." in text
