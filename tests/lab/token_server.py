"""A server that gives tokens for a name and a secret, as OAuth 2.0 has it (RFC 6749, section 4.4)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

SECRET = "client-secret-7f3a91"


class TokenServer(ThreadingHTTPServer):
    """Answers as it is set up to.

    Attributes:
        forms: what it was asked with.
        endpoint: where it says that tokens are.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.endpoint: object = f"{self.url}/oauth/token"
        self.status, self.answer = 200, dict[str, Any]()
        self.forms: list[dict[str, str]] = []
        self.is_silent = False
        self.ended = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave clients that went away silently."""


class _Handler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_GET(self) -> None:
        if self.server.is_silent:
            self.server.ended.wait(10)
        is_known = self.path == "/.well-known/openid-configuration"
        self._answer(200 if is_known else 404, {"token_endpoint": self.server.endpoint})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.forms.append(dict(parse_qsl(body)))
        self._answer(self.server.status, self.server.answer)

    def _answer(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def token_server() -> Iterator[TokenServer]:
    with TokenServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
