"""A server with or without TLS that answers every request alike; it sends the alerts of TLS, as real ones do."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    tls: ssl.SSLContext | None
    answer: bytes
    requests: list[bytes]


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.request.settimeout(10)
        with contextlib.suppress(OSError):
            secured = self.server.tls.wrap_socket(self.request, server_side=True) if self.server.tls else self.request
            with secured:
                request = b""
                while not request.endswith(b"\r\n\r\n") and (part := secured.recv(4096)):
                    request += part
                self.server.requests.append(request)
                secured.sendall(self.server.answer)


@contextmanager
def answering(tls: ssl.SSLContext | None, answer: bytes = REFUSAL) -> Iterator[tuple[int, list[bytes]]]:
    """Give the port of a server on 127.0.0.1, and what it was asked."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.tls, server.answer, server.requests = tls, answer, []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1], server.requests
        finally:
            server.shutdown()
            thread.join()
