"""Whether the node's store goes round in circles over its own registration, as it can after a kill.

A killed node leaves its registration in the metadata. The next one deletes it and registers itself; if it hears of
the deletion only then, it deletes its own registration, and hears of that later, too (apache/pulsar issue 17759 is
such a loop). For seconds, for minutes or for ever it is busy with itself, and hardly stores. Its log reports each
turn.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from .settings import LOG_FILE

_TURN = b"Lock on resource /ledgers/available/"
_MOST_TURNS = 20  # one or two are well: the node notices, and goes on
_MOST_BYTES = 4 << 20  # of a start's log; it is below 1 MB


def is_looping(folder: Path) -> bool:
    """Return whether the node that starts in this folder does so."""
    with contextlib.suppress(OSError), (folder / LOG_FILE).open("rb") as log_file:
        return log_file.read(_MOST_BYTES).count(_TURN) > _MOST_TURNS
    return False
