"""What is called when the state of a stream changes: a command, a webhook. Neither can hold up or break the monitor.

They run on an event loop in a thread of their own. Each has at most one change under way and one that waits, which
the next one replaces: the newest state is what matters.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from ...errors import HookFailed
from ..view import View
from .changes import HOLD, Change, Changes

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
LAST_CALLS_S = 3.0
_CLEAN_UP_S = 2.0


class Hook(Protocol):
    """What can be informed of a change.

    Attributes:
        name: what it is called in the log; no secret is in it.
    """

    @property
    def name(self) -> str: ...

    async def deliver(self, change: dict[str, Any]) -> None:
        """Inform of a change, as `Change.as_dict` has it, with the topic; may be cancelled.

        Raises:
            HookFailed: it could not be informed.
        """


class Hooks:
    """Calls hooks when the state changes, as a context manager.

    Leaving it gives the last calls 3 seconds; what was not delivered by then is logged.

    Args:
        hooks: what to call.
        topic: of which topic the changes are.
        hold: for how many views in a row a state must hold.
    """

    def __init__(self, hooks: Sequence[Hook], topic: str, hold: int = HOLD) -> None:
        self._changes, self._topic = Changes(hold), topic
        self._lines = [_Line(hook) for hook in hooks]
        self._thread = threading.Thread(target=self._run, name="hooks", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started, self._closing = threading.Event(), asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(LAST_CALLS_S + _CLEAN_UP_S)

    def follow(self, view: View) -> Change | None:
        """Take the next view; if a change has held by now, log it, have it delivered, and return it; never waits."""
        change = self._changes.follow(view)
        if change:
            assert self._loop
            logger.info("the state has changed from %s to %s", change.before, change.text)
            content = {"topic": self._topic, **change.as_dict()}
            self._loop.call_soon_threadsafe(self._put, content)
        return change

    def _put(self, change: dict[str, Any]) -> None:
        for line in self._lines:
            line.put(change)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        served = asyncio.gather(*(line.serve() for line in self._lines))
        self._started.set()
        await self._closing.wait()
        for line in self._lines:
            line.close()
        try:
            async with asyncio.timeout(LAST_CALLS_S):
                await served
        except TimeoutError:
            for line in self._lines:
                line.log_undelivered()


class _Line:
    """One hook, the change that is under way to it, and the one that waits."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._under_way: dict[str, Any] | None = None
        self._waiting: dict[str, Any] | None = None
        self._woken, self._is_closing = asyncio.Event(), False
        self._said: set[str] = set()

    def put(self, change: dict[str, Any]) -> None:
        """Have a change delivered next, instead of one that waits."""
        if self._waiting:
            logger.warning(
                "%s is slow: it will not hear that the state became %s", self._hook.name, _said(self._waiting)
            )
        self._waiting = change
        self._woken.set()

    def close(self) -> None:
        """Let `serve` return when nothing waits."""
        self._is_closing = True
        self._woken.set()

    def log_undelivered(self) -> None:
        """Log what was not delivered."""
        undelivered = self._waiting or self._under_way
        if undelivered:
            logger.warning("%s took too long to hear that the state is %s", self._hook.name, _said(undelivered))

    async def serve(self) -> None:
        """Deliver changes, one after the other, until closed."""
        while self._waiting or not self._is_closing:
            if not self._waiting:
                self._woken.clear()
                await self._woken.wait()
                continue
            self._under_way, self._waiting = self._waiting, None
            await self._deliver(self._under_way)
            self._under_way = None

    async def _deliver(self, change: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._hook.deliver(change)
            self._said.clear()
        except TimeoutError:
            problem = f"it took more than {TIMEOUT_S:g} s, and was ended"
            self._log_once(HookFailed(self._hook.name, problem, "have it do less, or do it in the background"))
        except HookFailed as error:
            self._log_once(error)
        except Exception as error:  # what we did not foresee must not hold up the next change
            self._log_once(HookFailed(self._hook.name, type(error).__name__, "please report this as a bug"))

    def _log_once(self, error: HookFailed) -> None:
        if error.problem not in self._said:
            logger.warning("%s (said once, until it works again)", error)
        self._said.add(error.problem)


def _said(change: dict[str, Any]) -> str:
    return str(change["text"])
