"""From files of JSON lines to a page on disk."""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..errors import InvalidOption, OutputError
from .page import page_of
from .recording import Recording, read

_MOST_FILES = 16
STANDARD_INPUT = Path("-")


def make_report(files: Sequence[Path], output: Path) -> list[Recording]:
    """Write one page about all files, and return what was in them.

    A page that is there already is replaced only when the new one is complete.

    Args:
        files: JSON lines of ``--json``, one file or several of one and the same time; ``-`` is standard input.

    Raises:
        DependencyMissing: there is no matplotlib.
        InvalidOption: a file that cannot be read, that holds no recording, or that is the output as well.
        OutputError: the page cannot be written.
    """
    _check(files, output)
    recordings = [recording for path in files for recording in _recordings(path)]
    _write(page_of(recordings, time.time()), output)
    return recordings


def _check(files: Sequence[Path], output: Path) -> None:
    if len(files) > _MOST_FILES:
        raise InvalidOption("files", f"({len(files)} files)", f"expected at most {_MOST_FILES}")
    if list(files).count(STANDARD_INPUT) > 1:
        raise InvalidOption("files", "-", "standard input can be read once")
    if any(_is_same(path, output) for path in files):
        raise InvalidOption("output", output, "it is one of the recordings; choose another name")
    try:
        is_other, has_folder = output.exists() and not output.is_file(), output.parent.is_dir()
    except OSError as error:  # such as a name that is too long
        raise OutputError.of(str(output), error) from error
    if is_other:
        raise OutputError(str(output), "it is not a file", "name one")
    if not has_folder:
        raise OutputError(str(output), f"folder {output.parent} does not exist", "create it first")


def _is_same(path: Path, output: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return path.samefile(output)
    return False


def _recordings(path: Path) -> list[Recording]:
    if path == STANDARD_INPUT:
        return read(sys.stdin.buffer, "-")
    try:
        with path.open("rb") as file:
            return read(file, path.name)
    except OSError as error:
        raise InvalidOption("files", path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        if isinstance(error, InvalidOption):
            raise
        raise InvalidOption("files", path, "cannot be read: a file cannot have this name") from error


def _write(page: str, output: Path) -> None:
    try:
        whole = output.resolve()
        unfinished = whole.with_name(f".{secrets.token_hex(8)}.unfinished")
        try:
            unfinished.write_text(page, encoding="utf-8")
            unfinished.replace(whole)
        finally:
            unfinished.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # ValueError: no file has such a name
        raise OutputError.of(str(output), error) from error
