"""Servers that mean harm, at the handshake and at the admin API: a sentence, within bounds of time and memory."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from pulsar_cam.errors import NodeUnreachable, PulsarError
from pulsar_cam.pulsar.admin import admin
from pulsar_cam.pulsar.admin.admin import Admin, node_limits
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.wire import DEFAULT_TEXT_LIMIT
from pulsar_cam.pulsar.sessions import opening
from pulsar_cam.pulsar.sessions.consumer import Consumer
from pulsar_cam.pulsar.topics import Topic

from ..lab.hostile import assert_showable
from ..lab.memory import forget_peak, needs_linux, peak_mb, resident_mb

TOPIC = Topic.parse("cam")
TIMEOUT_S = 0.25
TWICE_COMPRESSED = gzip.compress(gzip.compress(bytes(200_000_000)))
Say = Callable[[asyncio.StreamWriter], Awaitable[None]]


def once(text: bytes) -> Say:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return say


def endless(start: bytes, rest: bytes, pause_s: float = 0.0) -> Say:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(rest)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return say


async def nothing(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


REFUSED, WELCOME = b"HTTP/1.1 403 Forbidden\r\n", b"HTTP/1.1 200 OK\r\n"
SERVERS: dict[str, Say] = {
    "endless body": endless(REFUSED + b"\r\n", b"x" * 65536),
    "endless welcome": endless(WELCOME + b"\r\n", b"x" * 65536),
    "endless chunks": endless(WELCOME + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"1" * 65536 + b"\r\n"),
    "endless header": endless(REFUSED + b"X: ", b"x" * 65536),
    "endless headers": endless(REFUSED, b"X: x\r\n" * 1000),
    "endless interim answers": endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
    "one byte after the other": endless(REFUSED + b"\r\n", b"x", pause_s=0.05),
    "one byte of the header after the other": endless(REFUSED + b"X: ", b"x", pause_s=0.05),
    "redirected to itself": once(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"),
    "redirected to no address": once(b"HTTP/1.1 302 Found\r\nLocation: \x1b[2J://[\r\nContent-Length: 0\r\n\r\n"),
    "compressed twice": once(
        WELCOME
        + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(TWICE_COMPRESSED)
        + TWICE_COMPRESSED
    ),
    "longer than it says": once(REFUSED + b"Content-Length: 999999999999\r\n\r\nshort"),
    "escape sequences": once(b"HTTP/1.1 500 \x1b[2J\x07\r\nX: \x1b]0;title\x07\r\n\r\n\x1b[2J"),
    "no HTTP": once(b"\x00\xff" * 1000),
    "silence": nothing,
    "no answer at all": once(b""),
}


@asynccontextmanager
async def server(say: Say) -> AsyncIterator[Endpoint]:
    """Give a server that reads a request and answers in its way, as long as anybody listens."""

    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            await say(writer)
        writer.close()

    running = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield Endpoint.of(f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")
    finally:
        running.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)  # in which the loop lets go of them


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "OPEN_TIMEOUT_S", TIMEOUT_S)
    monkeypatch.setattr(admin, "LIMITS_TIMEOUT_S", TIMEOUT_S)


@pytest.mark.parametrize("name", SERVERS)
def test_a_session_is_refused_with_a_sentence(name: str) -> None:
    async def main() -> None:
        async with server(SERVERS[name]) as endpoint:
            with pytest.raises(PulsarError) as caught:
                async with asyncio.timeout(20), Consumer(endpoint, TOPIC, "viewer1"):
                    pass
            assert_showable(str(caught.value))

    asyncio.run(main())


@pytest.mark.parametrize("name", SERVERS)
def test_the_admin_api_is_not_there(name: str) -> None:
    async def main() -> None:
        async with server(SERVERS[name]) as endpoint:
            async with Admin(endpoint, TIMEOUT_S) as there, asyncio.timeout(20):
                for call in (there.settings(), there.version(), there.create_topic(TOPIC)):
                    with pytest.raises(PulsarError) as caught:
                        await call
                    assert_showable(str(caught.value))
            assert (await node_limits(endpoint)).text == DEFAULT_TEXT_LIMIT

    asyncio.run(main())


@needs_linux
def test_answers_without_end_take_bounded_memory() -> None:
    async def main() -> None:
        for name in ("endless body", "endless welcome", "endless chunks", "endless headers", "compressed twice"):
            async with server(SERVERS[name]) as endpoint, Admin(endpoint, 5.0) as there:
                with pytest.raises(NodeUnreachable):
                    await there.settings()

    forget_peak()
    before_mb = resident_mb()
    asyncio.run(main())
    assert peak_mb() - before_mb < 100
