"""The end of a log file, and what is added to it."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ..errors import LocalNodeError

POLL_INTERVAL_S = 0.3


def log_lines(file: Path, count: int | None, follow: bool) -> Iterator[str]:
    """Yield the last lines of a file, then (with ``follow``) the new ones, also when a new file takes its name.

    Raises:
        LocalNodeError: the file is not there.
    """
    while True:
        with _opened(file) as log:
            yield from _without_ends(deque(log, count))
            while follow and not _was_replaced(log, file):
                time.sleep(POLL_INTERVAL_S)
                yield from _without_ends(log)
        if not follow:
            return
        count = None  # a file that is new is shown from its beginning


def _opened(file: Path) -> TextIO:
    try:
        return file.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise LocalNodeError(
            f"there is no log at {file} ({error.strerror})", "start the node with 'pulsar-cam node start'"
        ) from error


def _without_ends(lines: Iterator[str] | deque[str] | TextIO) -> Iterator[str]:
    return (line.rstrip("\n") for line in lines)


def _was_replaced(log: TextIO, file: Path) -> bool:
    try:
        return not os.path.samestat(os.fstat(log.fileno()), file.stat())
    except FileNotFoundError:  # being replaced
        return False
