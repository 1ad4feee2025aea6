"""Faults of a session that no Pulsar node makes on demand: a server of `websockets` stands in for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.protocol import State

from pulsar_cam import connection
from pulsar_cam.connection import Connection
from pulsar_cam.errors import NodeUnreachable
from pulsar_cam.refusal import Target
from pulsar_cam.retry import MAX_DELAY_S
from pulsar_cam.topics import Endpoint, Topic

from .hostile import assert_showable


def target(url: str) -> Target:
    return Target(
        url, node=url, action="publish", topic=Topic.parse("cam"), permission="produce", name="producer name 'x'"
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
    """Live through so many sessions."""
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
    monkeypatch.setattr(connection, "PING_INTERVAL_S", 60.0)  # else a ping ends the session

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


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "ftp://user:secret@127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("SOCKS_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(NodeUnreachable, match="NO_PROXY") as caught:
        asyncio.run(Connection(target("ws://192.0.2.1:8080"), Endpoint.of()).open())
    assert "secret" not in str(caught.value)


def test_a_redirection_to_what_is_no_address_is_a_sentence() -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: ws://elsewhere:99999999/\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(redirect, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(NodeUnreachable, match="redirects"):
                await Connection(target(f"ws://127.0.0.1:{port}"), Endpoint.of()).open()

    asyncio.run(main())
