"""The admin API where no Pulsar node is: what strangers answer, and proxies that cannot be used."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pulsar_cam.admin import Admin, node_limits
from pulsar_cam.errors import NodeUnreachable
from pulsar_cam.topics import Endpoint, Topic
from pulsar_cam.wire import DEFAULT_TEXT_LIMIT


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks://user:secret@127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    endpoint = Endpoint.of("http://192.0.2.1:8080")
    with pytest.raises(NodeUnreachable, match="NO_PROXY") as caught:
        asyncio.run(Admin(endpoint).__aenter__())
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

    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
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
