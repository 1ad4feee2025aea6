"""Reading a log's end, and what comes after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulsar_cam.node import log
from pulsar_cam.node.log import log_lines


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "pulsar.log"
    file.write_text("one\ntwo\nthree\n")
    return file


@pytest.mark.parametrize(("count", "expected"), [(1, ["three"]), (2, ["two", "three"]), (9, ["one", "two", "three"])])
def test_the_last_lines(file: Path, count: int, expected: list[str]) -> None:
    assert list(log_lines(file, count, follow=False)) == expected


def test_bytes_that_are_no_text_are_shown_as_such(file: Path) -> None:
    file.write_bytes(b"\xff\n")
    assert list(log_lines(file, 1, follow=False)) == ["\ufffd"]


def test_new_lines_are_followed_into_a_new_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "POLL_INTERVAL_S", 0.01)
    lines = log_lines(file, 1, follow=True)
    assert next(lines) == "three"
    with file.open("a") as more:
        more.write("four\n")
    assert next(lines) == "four"
    file.rename(file.with_suffix(".1"))
    file.write_text("five\nsix\n")
    assert [next(lines), next(lines)] == ["five", "six"]
    lines.close()  # type: ignore[attr-defined]
