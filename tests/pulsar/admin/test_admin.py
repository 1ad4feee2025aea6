"""The admin API where no Pulsar node is: what strangers answer, and proxies that cannot be used."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pulsar_cam.errors import NodeUnreachable, NotAuthenticated, TokenUnavailable, TopicNotFound
from pulsar_cam.pulsar.access.credentials import Token, TokenFile
from pulsar_cam.pulsar.admin.admin import Admin, node_limits
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.wire import DEFAULT_TEXT_LIMIT
from pulsar_cam.pulsar.topics import Topic

from ...lab.tls_server import answering


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks://user:secret@127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    endpoint = Endpoint.of("http://192.0.2.1:8080")
    with pytest.raises(NodeUnreachable, match="NO_PROXY") as caught:
        asyncio.run(Admin(endpoint).open())
    assert "secret" not in str(caught.value)
    assert asyncio.run(node_limits(endpoint)).text == DEFAULT_TEXT_LIMIT


@contextmanager
def stranger(status: int, body: bytes) -> Iterator[Endpoint]:
    """A server that answers everything with this status and body."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None: ...

    with serving(Stranger) as endpoint:
        yield endpoint


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[Endpoint]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield Endpoint.of(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


PAGE = b"<html>Welcome</html>"


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, PAGE), (302, b""), (403, PAGE), (404, PAGE), (405, b""), (501, b""), (200, b"[" * 100_000), (403, b"{}")],
    ids=lambda value: str(value)[:25],
)
def test_a_server_that_is_not_pulsar_is_not_taken_for_it(status: int, body: bytes) -> None:
    async def main(endpoint: Endpoint) -> None:
        async with Admin(endpoint) as admin:
            with pytest.raises(NodeUnreachable):
                await admin.version()
            with pytest.raises(NodeUnreachable):
                await admin.create_topic(Topic.parse("cam"))
            with pytest.raises(NodeUnreachable):
                await admin.settings()

    with stranger(status, body) as endpoint:
        asyncio.run(main(endpoint))


def test_redirections_are_not_followed() -> None:
    async def main(port: int) -> None:
        async with Admin(Endpoint.of(f"http://127.0.0.1:{port}", credentials=Token("secret"))) as admin:
            with pytest.raises(NodeUnreachable, match="redirects to another address, which is not followed"):
                await admin.version()

    with answering(None) as (elsewhere, asked):
        location = f"Location: http://127.0.0.1:{elsewhere}/".encode()
        redirection = b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n" + location + b"\r\n\r\n"
        with answering(None, redirection) as (port, _):
            asyncio.run(main(port))
    assert asked == []


def test_a_client_takes_the_new_token_and_logs_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "token"

    async def main(port: int) -> None:
        async with Admin(Endpoint.of(f"http://127.0.0.1:{port}", credentials=TokenFile(file))) as admin:
            for text in ("secret-1", "secret-2"):
                file.write_text(text)
                with pytest.raises(NotAuthenticated, match="put a new one in"):
                    await admin.version()
            file.unlink()
            with pytest.raises(TokenUnavailable):
                await admin.version()

    with answering(None) as (port, requests):
        asyncio.run(main(port))
    sent = [line for request in requests for line in request.split(b"\r\n") if line.startswith(b"Authorization")]
    assert sent == [b"Authorization: Bearer secret-1", b"Authorization: Bearer secret-2"]
    assert "secret" not in caplog.text


def test_statistics_are_of_the_kind_that_the_topic_has_now() -> None:
    answers: dict[str, str] = {}
    asked: list[str] = []

    class Node(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind = self.path.split("/")[-1].split("?")[0]
            asked.append(kind)
            self.send_response(200 if kind in answers else 404)
            self.end_headers()
            self.wfile.write(answers.get(kind, '{"reason":"Topic not found"}').encode())

        def log_message(self, format: str, *args: object) -> None: ...

    async def kinds(endpoint: Endpoint) -> list[object]:
        topic, found = Topic.parse("cam"), list[object]()
        async with Admin(endpoint) as admin:
            for now in ("stats", "partitioned-stats", "partitioned-stats", "stats"):
                answers.clear()
                answers[now] = f'{{"kind":"{now}"}}'
                found.append((await admin.stats(topic))["kind"])
            answers.clear()
            with pytest.raises(TopicNotFound):
                await admin.stats(topic)
        return found

    with serving(Node) as endpoint:
        assert asyncio.run(kinds(endpoint)) == ["stats", "partitioned-stats", "partitioned-stats", "stats"]
    assert asked[:4] == ["stats", "stats", "partitioned-stats", "partitioned-stats"]
