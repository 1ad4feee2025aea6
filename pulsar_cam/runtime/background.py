"""Work beside the main thread, which belongs to the window: a coroutine on its own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import selectors
import threading
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from .allocator import keep_giving_back

logger = logging.getLogger(__name__)

CLEAN_UP_S = 1.5
"""Sessions close within 1.2 s, but a call of the system, such as for a host's address, can take its time."""


_here = threading.local()


class Background:
    """Runs one coroutine on an event loop in a thread of its own, as a context manager.

    Leaving the context cancels the coroutine if it still runs, waits for its clean-up, and raises its error. A
    clean-up that takes longer than CLEAN_UP_S is left behind in its thread, a daemon, and that is logged.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._selector: _TimedSelector | None = None
        self._coroutine = coroutine
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()
        self._thread.join(CLEAN_UP_S)
        if self._thread.is_alive():
            logger.warning("the network does not answer and is left behind")
        if self._error and error is None:
            raise self._error

    @property
    def is_running(self) -> bool:
        """Whether the coroutine has not ended yet."""
        return self._thread.is_alive()

    @property
    def longest_block_ms(self) -> float:
        """For how long, at most, the event loop kept everything on it waiting, in milliseconds.

        That is its own work, and the time in which it got no processor for it.
        """
        return round(self._selector.longest_s * 1000, 1) if self._selector else 0.0

    @property
    def longest_work_ms(self) -> float:
        """How much processor time, at most, went by between two waits of the event loop, in milliseconds."""
        return round(self._selector.most_work_s * 1000, 1) if self._selector else 0.0

    @property
    def blocked_s(self) -> float:
        """For how long the event loop has kept everything on it waiting by now, in seconds; 0 when it has ended."""
        return self._selector.awake_s if self._selector and self.is_running else 0.0

    def do(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Have a coroutine run on the event loop as well, without waiting for it; nothing happens after its end."""
        if self._loop and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop is closed: the coroutine has ended
                asyncio.run_coroutine_threadsafe(coroutine, self._loop)
                return
        coroutine.close()

    def cancel(self) -> None:
        """Ask the coroutine to end; its clean-up still runs."""
        if self._loop and self._task:
            try:
                self._loop.call_soon_threadsafe(self._task.cancel)
            except RuntimeError:  # the loop is closed: the coroutine has ended
                return

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._new_loop) as runner:
                runner.run(self._main())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._started.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._coroutine)
        giving_back = asyncio.create_task(keep_giving_back())
        self._started.set()
        try:
            await self._task
        finally:
            giving_back.cancel()

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        self._selector = _here.selector = _TimedSelector()
        return asyncio.SelectorEventLoop(self._selector)


def forget_blocks() -> None:
    """Have the event loop of this thread measure its blocks from now on, where it is one of a `Background`."""
    if selector := getattr(_here, "selector", None):
        selector.longest_s = selector.most_work_s = 0.0


class _TimedSelector(selectors.DefaultSelector):
    """Measures what lies between two waits of an event loop: the time in which nothing else can come or go."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_s = self.most_work_s = 0.0
        self._awake_since_s = self._work_before_s = math.inf

    @property
    def awake_s(self) -> float:
        return max(0.0, time.monotonic() - self._awake_since_s)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.longest_s = max(self.longest_s, self.awake_s)
        self.most_work_s = max(self.most_work_s, time.thread_time() - self._work_before_s)
        self._awake_since_s = math.inf
        ready = super().select(timeout)
        self._awake_since_s, self._work_before_s = time.monotonic(), time.thread_time()
        return ready
