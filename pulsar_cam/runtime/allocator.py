"""How the C library keeps memory that is free, so that a process that runs for a year does not grow."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import sys

_M_ARENA_MAX = -8  # mallopt(3) of glibc
GIVE_BACK_EVERY_S = 30.0


def keep_one_arena() -> None:
    """Have glibc share one pool of memory among all threads; to be called before other threads are started.

    By default each thread gets one, up to eight per core, and each keeps what its largest frames took: of all but the
    first, `give_back` does not reach the end. Frames are few and large, so threads hardly wait for each other.
    Another C library has no such pools, or no such call.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Give free memory back to the system; takes a few milliseconds.

    By itself glibc keeps what lies free between two pieces in use, so that the memory of a process is that of its
    busiest moments, all added up. Another C library has no such call, or no need for it.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)


async def keep_giving_back() -> None:
    """Give free memory back every GIVE_BACK_EVERY_S, for ever."""
    while True:
        await asyncio.sleep(GIVE_BACK_EVERY_S)
        await asyncio.to_thread(give_back)
