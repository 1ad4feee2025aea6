"""What every parser of foreign input owes: its value, or its documented error with a sentence fit for a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def assert_showable(text: str, most: int = 700) -> None:
    """Check that a text is one line without control characters, and not endless."""
    assert text.isprintable(), ascii(text)
    assert len(text) <= most


def value_or_error(parse: Callable[[], T], documented: type[Exception]) -> T | None:
    """Return what the parser returns, or None where it raises what it documents; anything else is a failure."""
    try:
        return parse()
    except documented as error:
        assert_showable(str(error))
        return None
