"""A coroutine that runs while something else goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

PATIENCE_S = 1.0


@contextlib.asynccontextmanager
async def alongside(coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine while the context is open, and cancel it at the end, which it has PATIENCE_S to clean up after.

    Leaving the context raises what it raised, unless something else is being raised.
    """
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=PATIENCE_S)
    if task.done() and not task.cancelled():
        task.result()
