"""The word list finds habits in prose, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import wording

HABIT = "in place " + "of"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(wording, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.md", f"Good.\nTea {HABIT} coffee.\n", [2]),
        ("a.md", "Tea in\nplace of coffee.\n", [1]),
        ("a.md", f"`{HABIT}`\n\n    {HABIT}\n\n```\n{HABIT}\n```\n", []),
        ("a.md", f"Tea {HABIT} coffee. <!-- wording: right -->\n", []),
        ("a.md", "x" * 119 + "\n|" + "x" * 119 + "\n", [1]),
        ("a.py", f'def tea() -> None:\n    """Tea.\n\n    {HABIT.capitalize()} coffee.\n    """\n', [4]),
        ("a.py", f"in_place_of = 1  # {HABIT}\n", [1]),
        ("a.py", f'print(f"{HABIT} {{tea}}")\n', [1]),
        ("a.py", 'print(f"{told} {tells:.1f}")\n', []),
        ("a.py", f"# {HABIT}  wording: right\n", []),
        ("a.py", "# There is no tea, and it is no longer hot.\n", []),
    ],
)
def test_habits_are_found_in_prose_only(root: Path, name: str, text: str, lines: list[int]) -> None:
    (root / name).write_text(text, encoding="utf-8")
    found = list(wording.complaints(root / name))
    assert [int(each.split(":")[1]) for each in found] == lines


def test_the_house_is_clean(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("sys.argv", ["wording.py"])
    assert wording.main() == 0, capsys.readouterr().out
