"""Files that parameters name."""

from __future__ import annotations

from pathlib import Path

from .errors import InvalidOption


def read_option_file(parameter: str, path: Path, most: int) -> bytes:
    """Return the first bytes of the file that a parameter names, up to `most`.

    Raises:
        InvalidOption: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise InvalidOption(parameter, path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidOption(parameter, path, "cannot be read: a file cannot have this name") from error
