"""The archive of classes: when it is made, used, and left alone; the Java is real, or a script that plays one."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from filelock import FileLock

from pulsar_cam.node import class_archive
from pulsar_cam.node.class_archive import archive_of, make, make_in_background, options
from pulsar_cam.node.process import detach
from pulsar_cam.node.settings import MEMORY
from pulsar_cam.node.software.java import Java, find_java

from ..lab.xvfb import wait_until

needs_sh = pytest.mark.skipif(sys.platform == "win32", reason="the Java of this test is a shell script")


@pytest.fixture
def java(tmp_path: Path) -> Java:
    modules = tmp_path / "java" / "lib" / "modules"
    modules.parent.mkdir(parents=True)
    modules.touch()
    return Java(tmp_path / "java" / "bin" / "java", 21, "21.0.8")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "lib").mkdir(parents=True)
    (home / "lib" / "a.jar").write_bytes(b"1")
    return home


@pytest.fixture(autouse=True)
def _priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the priority of the tests as it is."""
    monkeypatch.setattr(class_archive, "_give_way", lambda: None)


def playing_java(folder: Path, script: str) -> str:
    launcher = folder / "playing-java"
    launcher.write_text(f"#!/bin/sh\n{script}\n")
    launcher.chmod(0o755)
    return str(launcher)


def test_another_java_or_pulsar_has_another_archive(tmp_path: Path, java: Java, home: Path) -> None:
    found = [archive_of(tmp_path, java, home), archive_of(tmp_path, Java(java.executable, 21, "21.0.9"), home)]
    (home / "lib" / "a.jar").write_bytes(b"22")
    found.append(archive_of(tmp_path, java, home))
    (tmp_path / "java" / "lib" / "modules").write_bytes(b"1")
    found.append(archive_of(tmp_path, java, home))
    assert len(set(found)) == 4
    assert found[3] == archive_of(tmp_path, java, home)


def test_it_is_used_where_it_is_and_listed_for_where_it_is_not(tmp_path: Path) -> None:
    archive = tmp_path / "a.jsa"
    assert options(archive) == ["-XX:DumpLoadedClassList=logs/classes.lst"]
    archive.write_bytes(b"classes")
    os.utime(archive, (0, 0))
    assert options(archive) == [f"-XX:SharedArchiveFile={archive}"]
    assert archive.stat().st_mtime > time.time() - 60


def test_one_that_could_not_be_made_is_tried_again_after_a_while(tmp_path: Path) -> None:
    archive = tmp_path / "a.jsa"
    archive.touch()
    assert options(archive) == []
    os.utime(archive, (0, 0))
    assert options(archive) == ["-XX:DumpLoadedClassList=logs/classes.lst"]
    assert not archive.exists()


def test_a_path_that_java_would_read_as_two_is_left_out(tmp_path: Path) -> None:
    assert options(tmp_path / f"a{os.pathsep}b" / "a.jsa") == []


@needs_sh
def test_it_gets_whole_lines_and_its_name_when_it_is_done(tmp_path: Path, home: Path) -> None:
    class_list, archive = tmp_path / "list", tmp_path / "a.jsa"
    class_list.write_text("java/lang/Object id: 1\njava/lang/Str")
    find = "for word; do case $word in *ListFile=*) list=${word#*=};; *ArchiveFile=*) new=${word#*=};; esac; done"
    copy = f'{find}; cp "$list" "$new"'
    make(str(archive), str(class_list), playing_java(tmp_path, copy), str(home))
    assert archive.read_text() == "java/lang/Object id: 1\n"
    assert sorted(file.suffix for file in tmp_path.glob("a.*")) == [".jsa", ".lock"]


@needs_sh
def test_a_java_that_cannot_leaves_an_empty_one(tmp_path: Path, home: Path) -> None:
    class_list, archive = tmp_path / "list", tmp_path / "a.jsa"
    class_list.touch()
    make(str(archive), str(class_list), playing_java(tmp_path, "exit 1"), str(home))
    assert archive.read_bytes() == b""


@needs_sh
def test_one_process_at_a_time_makes_it(tmp_path: Path, home: Path) -> None:
    class_list, archive = tmp_path / "list", tmp_path / "a.jsa"
    class_list.touch()
    with FileLock(tmp_path / "a.lock"):
        make(str(archive), str(class_list), playing_java(tmp_path, "exit 1"), str(home))
    assert not archive.exists()


@needs_sh
def test_archives_that_nobody_uses_are_deleted(tmp_path: Path, home: Path) -> None:
    class_list, folder = tmp_path / "list", tmp_path / "classes"
    class_list.touch()
    folder.mkdir()
    for name, used_at in (("old.jsa", 0.0), ("used.jsa", time.time())):
        (folder / name).touch()
        os.utime(folder / name, (used_at, used_at))
    make(str(folder / "a.jsa"), str(class_list), playing_java(tmp_path, "exit 1"), str(home))
    assert sorted(file.name for file in folder.glob("*.jsa")) == ["a.jsa", "used.jsa"]


def test_a_real_java_makes_one_and_takes_it(tmp_path: Path, home: Path) -> None:
    java, archive, class_list = str(find_java().executable), tmp_path / "a.jsa", tmp_path / "list"
    (home / "lib" / "a.jar").unlink()
    subprocess.run([java, f"-XX:DumpLoadedClassList={class_list}", "-version"], capture_output=True, check=True)
    make(str(archive), str(class_list), java, str(home))
    words = [*MEMORY, *options(archive), "-Xshare:on", "-version"]
    assert subprocess.run([java, *words], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("there", ["class list and archive", "neither"])
def test_it_is_not_made_without_need(
    tmp_path: Path, java: Java, home: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    monkeypatch.setattr(class_archive, "detach", lambda *_: pytest.fail("a process was started"))
    (tmp_path / "logs").mkdir()
    if there != "neither":
        for name in ("logs/classes.lst", "a.jsa"):
            (tmp_path / name).touch()
    make_in_background(tmp_path / "a.jsa", java, home, tmp_path)


def test_a_cache_that_cannot_be_written_costs_a_warning_only(
    tmp_path: Path, java: Java, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "classes.lst").touch()
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        make_in_background(tmp_path / "file" / "a.jsa", java, home, tmp_path)
    assert "the next starts will not be faster" in caplog.text


def test_the_process_that_makes_it_is_apart_from_this_one(
    tmp_path: Path, java: Java, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def watched(*words: object) -> int:
        started.append(detach(*words))  # type: ignore[arg-type]
        return started[0]

    monkeypatch.setattr(class_archive, "detach", watched)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "classes.lst").touch()
    archive = tmp_path / "classes" / "a.jsa"
    make_in_background(archive, java, home, tmp_path)
    deadline = time.monotonic() + 60
    while not archive.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    # This Java is not there, so the file says that it cannot be made.
    assert archive.read_bytes() == b""
    assert started[0] != os.getpid()


@needs_sh
def test_the_process_ends_with_its_node_and_so_does_its_java(tmp_path: Path, java: Java, home: Path) -> None:
    slow = playing_java(tmp_path, "sleep 300")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "classes.lst").write_text("java/lang/Object\n")

    def at_work() -> list[psutil.Process]:
        return [each for each in psutil.process_iter(["cmdline"]) if slow in " ".join(each.info["cmdline"] or ())]

    make_in_background(tmp_path / "classes" / "a.jsa", replace(java, executable=Path(slow)), home, tmp_path)
    wait_until(lambda: len(at_work()) == 2, "Python and its Java")
    class_archive.end_making(tmp_path)
    assert at_work() == []
