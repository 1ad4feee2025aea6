"""What a terminal needs: lines that fit, characters that it has, and no typed keys within a live line."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

_GAP = "  "
_CUT_OFF = "..."


def replace_what_cannot_be_shown() -> None:
    """Print a question mark for a character that the terminal's encoding lacks, instead of ending in an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def fitted(parts: Sequence[str], columns: int) -> str:
    """Return the first parts, as many as fit into a line; only the very first is shortened, by whole words."""
    first, *others = filter(None, parts)
    if cell_len(first) > columns:
        return _shortened(first, columns)
    line = first
    for part in others:
        longer = line + _GAP + part
        if cell_len(longer) > columns:
            break
        line = longer
    return line


def _shortened(text: str, columns: int) -> str:
    words = text.split(" ")
    while words and cell_len(" ".join(words) + _CUT_OFF) > columns:
        words.pop()
    return " ".join(words) + _CUT_OFF


@contextlib.contextmanager
def without_echo() -> Iterator[None]:
    """Show no typed keys while the context is open: with an echo, a live line would leave copies of itself behind."""
    try:
        import termios
    except ImportError:  # Windows has no such echo
        yield
        return
    try:
        terminal = sys.stderr.fileno()
        before = termios.tcgetattr(terminal)
    except (termios.error, OSError, ValueError):  # no terminal
        yield
        return
    quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    _set(terminal, quiet)
    try:
        yield
    finally:
        _set(terminal, before)


def _set(terminal: int, attributes: list[object]) -> None:
    import termios

    # A process in the background would be stopped for it; and the shell has its own settings then.
    with contextlib.suppress(termios.error, OSError):
        if os.tcgetpgrp(terminal) == os.getpgrp():
            termios.tcsetattr(terminal, termios.TCSANOW, attributes)  # type: ignore[arg-type]
