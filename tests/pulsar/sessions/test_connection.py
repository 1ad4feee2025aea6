"""Faults of a session that no Pulsar node makes on demand: a server of `websockets` stands in for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.protocol import State

from pulsar_cam.errors import NodeUnreachable, NotAuthenticated
from pulsar_cam.pulsar.access.credentials import Credentials, Token, TokenFile
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions import connection, opening
from pulsar_cam.pulsar.sessions.connection import Connection
from pulsar_cam.pulsar.target import Target
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.runtime.retry import MAX_DELAY_S

from ...lab.hostile import assert_showable


def target(url: str) -> Target:
    return Target(
        url, node=url, action="publish", topics=(Topic.parse("cam"),), permission="produce", name="producer name 'x'"
    )


@asynccontextmanager
async def session_with(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[Connection]:
    async with serve(handler, "127.0.0.1", 0) as server:
        session = Connection(target(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"), Endpoint.of())
        await session.open()
        yield session
        for each in server.connections:
            each.transport.abort()


async def opened(session: Connection, count: int) -> None:
    """Live through `count` sessions."""
    async for websocket in session.sessions():
        await websocket.wait_closed()
        count -= 1
        if not count:
            return


@pytest.mark.parametrize(
    ("long_s", "steps"),
    [(MAX_DELAY_S, [0, 1, 2, 3]), (0.0, [0, 0, 0, 0])],
    ids=["closed at once", "closed after a while"],
)
def test_only_a_session_that_lasted_is_opened_again_without_growing_pauses(
    monkeypatch: pytest.MonkeyPatch, long_s: float, steps: list[int]
) -> None:
    taken: list[int] = []

    def backoff() -> Iterator[float]:
        for step in range(100):
            taken.append(step)
            yield 0.0

    async def close(websocket: ServerConnection) -> None:
        await websocket.close()

    async def main() -> None:
        async with session_with(close) as session:
            taken.clear()
            await opened(session, 5)

    monkeypatch.setattr(connection, "backoff", backoff)
    monkeypatch.setattr(connection, "MAX_DELAY_S", long_s)
    asyncio.run(main())
    assert taken == steps


def test_what_a_stranger_says_when_it_closes_is_made_safe_to_show(caplog: pytest.LogCaptureFixture) -> None:
    async def close(websocket: ServerConnection) -> None:
        await websocket.close(1011, "\x1b[31mred\x07")

    async def main() -> None:
        async with session_with(close) as session:
            await opened(session, 2)

    asyncio.run(main())
    assert "red" in caplog.text
    for record in caplog.records:
        assert_showable(record.getMessage())


def test_closing_does_not_wait_for_a_network_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PING_INTERVAL_S", 60.0)  # else a ping ends the session

    async def take_nothing(websocket: ServerConnection) -> None:
        websocket.transport.pause_reading()
        await websocket.wait_closed()

    async def main() -> None:
        async with session_with(take_nothing) as session:
            sessions = session.sessions()
            websocket = await anext(sessions)
            sending = asyncio.create_task(websocket.send(bytes(50_000_000)))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(10):
                await session.close()
            await asyncio.wait([sending])
            assert websocket.state is State.CLOSED

    asyncio.run(main())


class Guard:
    """A server that lets in who has the right token."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self.refused = asyncio.Event()

    def let_in(self, websocket: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.wanted}":
            return None
        self.refused.set()
        return websocket.respond(401, "no")


async def through_a_guard(credentials: Credentials, renew: Callable[[], None]) -> Connection:
    """Open a session, have it closed when another token is wanted, and renew the token after a refusal."""
    guard = Guard("first")

    async def close_later(websocket: ServerConnection) -> None:
        if guard.wanted == "first":
            guard.wanted = "second"
            await websocket.close()
        await websocket.wait_closed()

    async with serve(close_later, "127.0.0.1", 0, process_request=guard.let_in) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        session = Connection(target(url), Endpoint.of(credentials=credentials))
        await session.open()

        async def live() -> None:
            async for websocket in session.sessions():
                if session.reconnects:
                    return
                await websocket.wait_closed()

        living = asyncio.create_task(live())
        async with asyncio.timeout(30):
            await guard.refused.wait()
            while "rejected our credentials" not in session.status and not living.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            renew()
            await living
        await session.close()
    return session


def test_a_token_is_renewed_from_its_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    session = asyncio.run(through_a_guard(TokenFile(file), lambda: (file.write_text("second"), None)[1]))
    assert session.reconnects == 1


def test_a_token_that_cannot_be_another_one_ends_the_session() -> None:
    with pytest.raises(NotAuthenticated, match="get a new one"):
        asyncio.run(through_a_guard(Token("first"), lambda: None))


def test_a_node_that_is_away_for_long_is_tried_for_ever_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Five hundred tries are a quarter of an hour, with the waits that are left out here."""
    tries, connect = 0, opening.connect

    async def away(target: Target, endpoint: Endpoint) -> ClientConnection:
        nonlocal tries
        tries += 1
        if tries <= 500:
            raise NodeUnreachable(target.node, "connection refused")
        return await connect(target, endpoint)

    async def handler(websocket: ServerConnection) -> None:
        await websocket.recv()

    async def main() -> None:
        async with session_with(handler) as session:
            monkeypatch.setattr(connection, "connect", away)
            monkeypatch.setattr(connection, "backoff", lambda: itertools.repeat(0.0))
            session._delays_s = itertools.repeat(0.0)
            async with asyncio.timeout(30):
                async for websocket in session.sessions():
                    if session.reconnects:
                        break
                    websocket.transport.abort()
                    await websocket.wait_closed()
            assert (session.reconnects, session.status) == (1, "connected")
            assert session.recovery_s is not None

    asyncio.run(main())
    assert tries == 501
    said = [record.message for record in caplog.records if record.name == "pulsar_cam.pulsar.sessions.connection"]
    assert ["was lost" in said[0], "connected again" in said[1], said[2:]] == [True, True, []]
