"""The node's process: started apart from the terminal, found again by its command line, and ended."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]

from ..errors import LocalNodeError
from .settings import LOG_FILE, marker

CONSOLE_FILE = "logs/console.log"
_KILL_TIMEOUT_S = 5
_KNOWN_TIMEOUT_S = 10


def launch(command: list[str], folder: Path) -> psutil.Process:
    """Start the node's process in its folder, where the terminal's Ctrl-C does not reach it.

    Raises:
        LocalNodeError: the system refuses.
    """
    with (folder / CONSOLE_FILE).open("wb") as console:
        try:
            return psutil.Process(detach(command, folder, console))
        except OSError as error:
            raise LocalNodeError(f"Java cannot be started: {error.strerror}", "check JAVA_HOME") from error


def detach(command: list[str], folder: Path, output: IO[bytes] | int) -> int:
    """Start a process in a folder that outlives this program and its terminal, and return its id."""
    popen = subprocess.Popen(  # noqa: S603 - built by this package
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    # It outlives this object too: psutil looks after the process from here on.
    popen.returncode = 0
    return popen.pid


def find(pid: int, folder: Path) -> psutil.Process | None:
    """Return the process of the node in this folder, if it has this id and is alive.

    It is known by its command line: an id comes around again, and start times move when the clock is set.
    """
    try:
        process = psutil.Process(pid)
    except psutil.Error:
        return None
    return process if _is_node(process, folder) else None


def find_in(folder: Path) -> psutil.Process | None:
    """Return the process of the node in this folder, whatever was written down about it."""
    return next((process for process in psutil.process_iter() if _is_node(process, folder)), None)


def wait_until_known(process: psutil.Process) -> None:
    """Return when a process just launched has its command line; on a busy machine it comes a little later."""
    deadline = time.monotonic() + _KNOWN_TIMEOUT_S
    with contextlib.suppress(psutil.Error):  # it has ended
        while not process.cmdline() and time.monotonic() < deadline:
            time.sleep(0.01)


def _is_node(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and marker(folder) in process.cmdline()
    except psutil.Error:
        return False


def end(process: psutil.Process, patience_s: float) -> None:
    """End the process: politely first, after that time by force; what it acknowledged is in its journal."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        try:
            process.wait(patience_s)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(_KILL_TIMEOUT_S)


def death_report(folder: Path) -> LocalNodeError:
    """Say why the node's process ended, from what it wrote last."""
    text = "".join(_text(folder / name) for name in (LOG_FILE, CONSOLE_FILE))
    where = f"its log is {folder / LOG_FILE}"
    for clue, problem, remedy in _CLUES:
        if clue in text:
            return LocalNodeError(f"the node ended: {problem}", f"{remedy}; {where}")
    errors = [line for line in text.splitlines() if " ERROR " in line or line.startswith(("Error", "Exception"))]
    return LocalNodeError(f"the node ended: {errors[-1][:300] if errors else 'it does not say why'}", where)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


_CLUES = (
    ("/LOCK: ", "another process uses its data folder", "end that process"),
    ("No space left on device", "the disk is full", "make room, then start it again"),
    ("NoWritableLedgerDirException", "the disk is almost full", "make room, then start it again"),
    ("Address already in use", "another program took its port meanwhile", "start it again, or choose another `port`"),
    ("Failed to bind", "another program took its port meanwhile", "start it again, or choose another `port`"),
    ("insufficient memory", "there is not enough memory", "close other programs: it needs half a GB"),
    ("Could not reserve enough space", "there is not enough memory", "close other programs: it needs half a GB"),
    ("OutOfMemoryError", "it ran out of memory", "start it again, with smaller pictures or fewer viewers"),
    ("UnsupportedClassVersionError", "the Java of JAVA_HOME is too old", "unset JAVA_HOME"),
)
