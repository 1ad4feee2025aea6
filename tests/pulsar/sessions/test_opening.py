"""Opening a session where that cannot be: proxies, redirections, refusals and silence, each as a sentence."""

from __future__ import annotations

import asyncio
import logging

import pytest

from pulsar_cam.errors import NodeUnreachable, NotAuthenticated
from pulsar_cam.pulsar.access.credentials import Token
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions import opening
from pulsar_cam.pulsar.sessions.opening import connect
from pulsar_cam.pulsar.target import Target
from pulsar_cam.pulsar.topics import Topic

from ...lab.tls_server import answering


def target(url: str) -> Target:
    return Target(
        url, node=url, action="publish", topics=(Topic.parse("cam"),), permission="produce", name="producer name 'x'"
    )


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "ftp://user:secret@127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("SOCKS_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(NodeUnreachable, match="NO_PROXY") as caught:
        asyncio.run(connect(target("ws://192.0.2.1:8080"), Endpoint.of()))
    assert "secret" not in str(caught.value)


REDIRECTION = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("secret", [None, Token("secret")])
def test_redirections_are_not_followed(secret: Token | None) -> None:
    with answering(None) as (elsewhere, asked):
        for location in (
            f"ws://127.0.0.1:{elsewhere}/",
            f"wss://127.0.0.1:{elsewhere}",
            "/other",
            "ws://x:99999999/",
        ):
            with answering(None, REDIRECTION % location.encode()) as (port, requests):
                endpoint = Endpoint.of(credentials=secret)
                with pytest.raises(NodeUnreachable, match="redirects to another address, which is not followed"):
                    asyncio.run(connect(target(f"ws://127.0.0.1:{port}"), endpoint))
            assert len(requests) == 1
    assert asked == []


def test_a_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with answering(None) as (port, requests), pytest.raises(NotAuthenticated):
        asyncio.run(connect(target(f"ws://127.0.0.1:{port}"), Endpoint.of(credentials=Token("secret"))))
    assert b"Authorization: Bearer secret" in requests[0]
    assert "secret" not in caplog.text


def test_a_handshake_that_is_not_answered_says_what_may_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "OPEN_TIMEOUT_S", 0.2)

    async def main() -> NodeUnreachable:
        is_closed = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()
            await writer.wait_closed()
            is_closed.set()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            with pytest.raises(NodeUnreachable, match="no answer within") as caught:
                await connect(target(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"), Endpoint.of())
            await is_closed.wait()
        return caught.value

    error = asyncio.run(main())
    assert "its backlog is full, or its messages have to be encrypted" in str(error)
