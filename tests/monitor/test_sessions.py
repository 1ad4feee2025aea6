"""Interruptions of the monitor's own sessions have a log of their own, which the command line quietens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pulsar_cam.cli import app, monitor
from pulsar_cam.monitor import sessions
from pulsar_cam.monitor.announcer import Announcer
from pulsar_cam.monitor.looks.stream import StreamWatch
from pulsar_cam.monitor.probes.echo import Echo
from pulsar_cam.monitor.probes.quiet import QuietSession
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic

Run = Callable[[Endpoint, Topic], Coroutine[Any, Any, None]]


async def keep_echo(endpoint: Endpoint, topic: Topic) -> None:
    echo = Echo(endpoint, topic)
    await echo.open()
    try:
        await asyncio.Event().wait()
    finally:
        await echo.close()


@pytest.mark.parametrize(
    "run",
    [
        keep_echo,
        lambda endpoint, topic: QuietSession(endpoint, topic).run(),
        lambda endpoint, topic: StreamWatch(endpoint, topic).run(),
        lambda endpoint, topic: Announcer(endpoint, topic).run(),
    ],
    ids=["echo", "quiet", "stream", "announcer"],
)
def test_all_interruptions_are_in_one_log(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(interrupted(run))
    names = {record.name for record in caplog.records if record.levelno >= logging.WARNING}
    assert names == {sessions.log.name}


async def interrupted(run: Run) -> None:
    """Run until a session was lost and opened again."""
    again, seen = asyncio.Event(), 0

    async def answer(websocket: ServerConnection) -> None:
        nonlocal seen
        seen += 1
        if seen > 2:
            again.set()
        await asyncio.sleep(0.1)  # the first pings
        if seen > 2:
            await websocket.wait_closed()

    async with serve(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        running = asyncio.ensure_future(run(Endpoint.of(f"http://127.0.0.1:{port}"), Topic.parse("cam")))
        async with asyncio.timeout(20):
            await again.wait()
        running.cancel()
        await asyncio.wait([running])


@pytest.mark.parametrize(("words", "is_shown"), [("", False), ("-v", True), ("-vv", True)])
def test_they_are_shown_only_when_asked_for(words: str, is_shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "_check_once", lambda *_: None)
    app(["monitor", "--once", *words.split()], standalone_mode=False)
    assert sessions.log.isEnabledFor(logging.WARNING) == is_shown
    assert sessions.log.isEnabledFor(logging.ERROR)
    sessions.log.setLevel(logging.NOTSET)
