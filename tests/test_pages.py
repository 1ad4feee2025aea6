"""Files that the pages name exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pulsar_cam.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
HOUSES = ("pulsar_cam", "docs", "scripts", "tests", "requirements")
PROGRAMS = {name for page in PAGES for name in re.findall(r"```python\n# (\S+)", page.read_text(encoding="utf-8"))}
ROOMS = {path.name for path in (ROOT / "pulsar_cam").iterdir() if path.is_dir()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`((?:[\w-]+/)+(?:[\w.-]+\.\w+)?|\w+\.py)(?:::\w+)?`", page.read_text(encoding="utf-8"))
    ours = {name for name in named if name.partition("/")[0] in (*HOUSES, *ROOMS) or name.endswith(".py")} - PROGRAMS
    assert [name for name in ours if not (ROOT / name).exists() and not (ROOT / "pulsar_cam" / name).exists()] == []


def test_the_options_on_the_pages_are_those_of_the_command_line() -> None:
    options = options_of(get_command(app))
    pages = {
        page: set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", page.read_text(encoding="utf-8"))) for page in PAGES
    }
    assert options - set().union(*pages.values()) == set()
    assert pages[ROOT / "docs" / "commands.md"] <= options


def options_of(command: Any) -> set[str]:
    options = {
        name for each in command.params for name in (*each.opts, *each.secondary_opts) if name.startswith("--")
    }
    return options.union({"--help"}, *map(options_of, getattr(command, "commands", {}).values()))
