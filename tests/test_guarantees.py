"""The page of guarantees names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def test_every_guarantee_has_its_row() -> None:
    assert re.findall(r"^\| (G\d+) \|", PAGE, re.MULTILINE) == [f"G{number}" for number in range(1, 28)]
    assert len(NAMED) > 50


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[f"{file}::{name}" for file, name in NAMED])
def test_a_test_that_is_named_exists_and_is_not_skipped_on_linux(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    (test,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    marks = [ast.unparse(each) for each in test.decorator_list]
    assert not [mark for mark in marks if "skip" in mark and "sys.platform" not in mark]
