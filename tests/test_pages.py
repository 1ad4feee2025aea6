"""Files that the pages name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
HOUSES = ("pulsar_cam", "docs", "scripts", "tests", "requirements")
ROOMS = {path.name for path in (ROOT / "pulsar_cam").iterdir() if path.is_dir()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`((?:[\w-]+/)+(?:[\w.-]+\.\w+)?|\w+\.py)(?:::\w+)?`", page.read_text(encoding="utf-8"))
    ours = [name for name in named if name.partition("/")[0] in (*HOUSES, *ROOMS) or name.endswith(".py")]
    assert [name for name in ours if not (ROOT / name).exists() and not (ROOT / "pulsar_cam" / name).exists()] == []
