"""What a check found, and how a check is kept from breaking the others or holding up the program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from ..text import printable

State: TypeAlias = Literal["ok", "warning", "problem", "skipped"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        check: what was looked at, such as ``camera``.
        state: ``problem`` keeps a stream from working; ``warning`` limits it; ``skipped`` could not be found out.
        says: how it is.
        change: what to do about it; empty when there is nothing to do.
    """

    check: str
    state: State
    says: str
    change: str = ""


def broken(check: str, error: BaseException) -> Finding:
    """Return the finding that the check itself failed."""
    what = printable(f"{type(error).__name__}: {error}", 300)
    return Finding(check, "problem", f"the check itself failed ({what})", "please report this as a bug")


async def in_time(check: str, function: Callable[[], Finding], limit_s: float) -> Finding:
    """Run a blocking check in a thread, which is left behind if it takes longer than this."""
    try:
        async with asyncio.timeout(limit_s):
            return await _in_daemon(function)
    except TimeoutError:
        return Finding(
            check, "warning", f"not known: no answer within {limit_s:g} s", "look what keeps this machine busy"
        )
    except Exception as error:
        return broken(check, error)


async def _in_daemon(function: Callable[[], T]) -> T:
    """Do what ``asyncio.to_thread`` does, in a thread for which the end of the program does not wait."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(function())
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=run, name="check", daemon=True).start()
    return await asyncio.wrap_future(done)
