"""How the C library keeps memory that is free: who runs for a year is to stay as small as at first."""

from __future__ import annotations

import contextlib
import ctypes
import sys

_M_ARENA_MAX = -8  # mallopt(3) of glibc
_ARENAS = 2


def keep_few_arenas() -> None:
    """Have glibc share two pools of memory among all threads; to be called before other threads are started.

    By default each thread gets one, up to eight per core, and none gives back what its largest frames took. Another C
    library has no such pools, or no such call.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
