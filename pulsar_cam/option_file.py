"""Files that options name."""

from __future__ import annotations

from pathlib import Path

from .errors import InvalidOption


def read_option_file(option: str, path: Path, most: int) -> bytes:
    """Return the first bytes of the file that an option names, at most so many.

    Raises:
        InvalidOption: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise InvalidOption(option, path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidOption(option, path, "cannot be read: no file has such a name") from error
