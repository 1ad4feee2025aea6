"""Pulsar's classes as Java has them in memory, in one file that later starts map: they take about half the time.

The first start with a Java and a Pulsar lists the classes it loads. Once that node is ready, a process of low
priority makes the file from the list, for all nodes of this user. Nothing depends on it: Java looks for itself
whether the file fits, and starts without it if not.

Java calls this class data sharing (JEP 310), and the file a shared archive.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from filelock import FileLock, Timeout

from .process import detach
from .settings import MEMORY, class_path
from .software.java import Java

log = logging.getLogger(__name__)

_CLASS_LIST = "logs/classes.lst"
_MAKE = "import sys; from pulsar_cam.node.class_archive import make; make(*sys.argv[1:])"
_MAKE_TIMEOUT_S = 600
_RETRY_S = 7 * 24 * 3600
_UNUSED_S = 30 * 24 * 3600


def archive_of(cache: Path, java: Java, home: Path) -> Path:
    """Return the archive's file for this Java and this Pulsar; when one of them changes, it is another file."""
    executable = java.executable.resolve()
    files = (executable.parents[1] / "lib" / "modules", *sorted((home / "lib").glob("*.jar")))
    facts = "\n".join((*MEMORY, str(executable), java.build, *map(_identity, files)))
    return cache / "classes" / f"{hashlib.sha256(facts.encode()).hexdigest()[:16]}.jsa"


def options(archive: Path) -> list[str]:
    """Return Java's options that use the archive, or that list the classes for one to be made.

    An empty file says that it could not be made, and is not tried again for a while.
    """
    if os.pathsep in str(archive):  # Java would take it for several files
        return []
    try:
        if archive.stat().st_size:
            os.utime(archive)
            return [f"-XX:SharedArchiveFile={archive}"]
        if _is_younger(archive, _RETRY_S):
            return []
        archive.unlink()
    except OSError:
        pass  # it is not there, or another process has just removed it
    return [f"-XX:DumpLoadedClassList={_CLASS_LIST}"]


def make_in_background(archive: Path, java: Java, home: Path, folder: Path) -> None:
    """Have the archive made from what the node in this folder has loaded so far, if it was started without one.

    It takes about 20 s of one processor, at low priority. `end_making` ends it before its time.
    """
    class_list = folder / _CLASS_LIST
    if archive.exists() or not class_list.exists():
        return
    words = (archive, class_list, java.executable, home)
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        # Python looks for this package where it is started, also if it was never installed.
        detach([sys.executable, "-c", _MAKE, *map(str, words)], Path(__file__).parents[2], subprocess.DEVNULL)
    except OSError as error:
        log.warning("the next starts will not be faster: %s", error)


def end_making(folder: Path) -> None:
    """End the process that makes the archive for the node in this folder, if it still does."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if _MAKE in words and str(folder / _CLASS_LIST) in words:
                _kill(process)


def _kill(process: psutil.Process) -> None:
    family = [process, *process.children(recursive=True)]
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(family, timeout=5)


def make(archive: str, class_list: str, java: str, home: str) -> None:
    """Make the archive, unless another process does so; half of one is never visible."""
    target = Path(archive)
    _give_way()
    with suppress(Timeout), FileLock(target.with_suffix(".lock"), timeout=0):
        if not target.exists():
            _make(target, Path(class_list), java, Path(home))
            _delete_unused(target.parent)


def _make(target: Path, class_list: Path, java: str, home: Path) -> None:
    new, listed = target.with_suffix(".new"), target.with_suffix(".lst")
    # The node may be writing its next line.
    listed.write_bytes(class_list.read_bytes().rpartition(b"\n")[0] + b"\n")
    command = [java, *MEMORY, "-Xshare:dump", f"-XX:SharedClassListFile={listed}", f"-XX:SharedArchiveFile={new}"]
    try:
        subprocess.run(  # noqa: S603 - the Java that runs the node
            [*command, "-cp", class_path(home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_MAKE_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        new.write_bytes(b"")
    finally:
        listed.unlink()
    os.replace(new, target)


def _give_way() -> None:
    psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS if sys.platform == "win32" else 19)


def _delete_unused(folder: Path) -> None:
    for file in folder.iterdir():
        with suppress(OSError):
            if not _is_younger(file, _UNUSED_S):
                file.unlink()


def _is_younger(file: Path, seconds: float) -> bool:
    return file.stat().st_mtime > time.time() - seconds


def _identity(file: Path) -> str:
    try:
        stat = file.stat()
    except OSError:
        return f"{file}: none"
    return f"{file}: {stat.st_size} bytes of {stat.st_mtime_ns}"
