"""When to try again, and how long to wait."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..errors import PulsarCamError

FIRST_DELAY_S = 0.1
MAX_DELAY_S = 2.0


def is_transient(error: BaseException) -> bool:
    """Return whether trying the same again later can succeed."""
    return isinstance(error, PulsarCamError) and error.transient


def backoff() -> Iterator[float]:
    """Yield the seconds to wait before each attempt, for ever: doubling, capped, with jitter.

    Jitter spreads the clients of a node that restarts: each waits between half and all of the nominal delay.
    """
    delay_s = FIRST_DELAY_S
    while True:
        yield delay_s * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
        delay_s = min(delay_s * 2, MAX_DELAY_S)
