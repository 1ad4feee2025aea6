"""What keeps a stream from working here: one finding a check, with what to change.

``async for finding in diagnose(Endpoint.of(), Topic.parse("video-stream")): ...``
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any

from ..health.finding import Finding, State, broken, in_time
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import Topic
from . import machine

__all__ = ["Finding", "State", "diagnose"]

_LIMIT_S = 8.0
_OPENCV_LIMIT_S = 6.0  # for what waits for OpenCV to be loaded before


async def diagnose(endpoint: Endpoint, topic: Topic, device: str | None = None) -> AsyncIterator[Finding]:
    """Yield what each check found, in a fixed order; never raises for what it finds, and ends within 15 s.

    Args:
        device: the camera to try, by number or path; None for the first, where a missing one is not a problem.
    """
    opencv = asyncio.create_task(in_time("OpenCV", machine.opencv, _LIMIT_S))
    checks: tuple[Coroutine[Any, Any, Finding], ...] = (
        in_time("versions", machine.versions, _LIMIT_S),
        _with_opencv(opencv, "display", machine.display),
        _with_opencv(opencv, "camera", partial(machine.camera, device)),
        in_time("local node", machine.local_node, _LIMIT_S),
    )
    of_machine = [opencv, *map(asyncio.create_task, checks)]
    of_node = asyncio.create_task(_node_findings(endpoint, topic))
    try:
        for task in of_machine:
            yield await task
        for finding in await of_node:
            yield finding
    finally:
        for each in (*of_machine, of_node):
            each.cancel()
        await asyncio.wait((*of_machine, of_node))


async def _with_opencv(opencv: asyncio.Task[Finding], check: str, function: Callable[[], Finding]) -> Finding:
    """Run a check once OpenCV is loaded: a second try to load it would give another, misleading reason."""
    if (await opencv).state != "ok":
        return Finding(check, "skipped", "OpenCV has to work first")
    return await in_time(check, function, _OPENCV_LIMIT_S)


async def _node_findings(endpoint: Endpoint, topic: Topic) -> list[Finding]:
    try:
        from .node import examine

        return await examine(endpoint, topic)
    except Exception as error:  # a package too old to be imported is one reason
        return [broken("node", error)]
