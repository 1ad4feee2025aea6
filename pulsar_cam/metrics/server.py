"""A small HTTP server beside a run: ``/metrics`` for Prometheus, ``/healthz`` and ``/readyz`` for a supervisor.

It is the standard library's, with bounds: a client that is slow, silent or one of thousands costs one of a few
threads for a few seconds, and never holds up the run or its end.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from ..errors import InvalidOption

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

MOST_CLIENTS = 8
CLIENT_TIMEOUT_S = 5.0
_ROOM_TIMEOUT_S = 0.5
_LOOK_EVERY_S = 0.1
_CLOSE_TIMEOUT_S = 0.5

Problem = Callable[[], str]
"""Returns in a few words what is wrong now; an empty text if all is well. Called from other threads."""


class MetricsServer:
    """Answers while its context is open.

    Args:
        host: a name or an address of this machine. There is no authentication.
        port: 0 for a free one.
        dead: why the process does not work, for ``/healthz``.
        unready: why it cannot do what it is for, for ``/readyz``.

    Raises:
        InvalidOption: host or port cannot be used.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry, dead: Problem, unready: Problem) -> None:
        self._server = _listening(host, port)
        self._server.set_app(_Application(registry, dead, unready))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK_EVERY_S,), name="metrics", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it is, such as ``http://127.0.0.1:9464``."""
        host, port = self._server.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.leave_clients()


class _Application:
    """Gives each path its answer."""

    def __init__(self, registry: CollectorRegistry, dead: Problem, unready: Problem) -> None:
        self._metrics = make_wsgi_app(registry, disable_compression=True)
        self._problems = {"/healthz": dead, "/readyz": unready}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        try:
            if path == "/metrics":
                answer: Iterable[bytes] = self._metrics(environ, start_response)
                return answer
            status, text = self._text(path)
        except Exception as error:  # its cause is a mistake of ours, or a request that the library cannot read
            logger.warning("%s could not be answered: %s: %s", ascii(path), type(error).__name__, error)
            status, text = "500 Internal Server Error", "this could not be read now"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{text}\n".encode()]

    def _text(self, path: str) -> tuple[str, str]:
        if path not in self._problems:
            return "404 Not Found", "there are /metrics, /healthz and /readyz"
        problem = self._problems[path]()
        return ("503 Service Unavailable", " ".join(problem.split())) if problem else ("200 OK", "ok")


class _Handler(WSGIRequestHandler):
    """One request and its answer, with nothing on stderr, whatever the client does."""

    timeout = CLIENT_TIMEOUT_S

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def get_stderr(self) -> io.StringIO:
        return io.StringIO()


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Takes a few clients at once; one more ends the one that is there for the longest."""

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it lets two programs have one port
    allow_reuse_port = False
    request_queue_size = 64  # where there is no place, a client tries again only after a second

    def __init__(self, family: socket.AddressFamily, host: str, port: int) -> None:
        self.address_family = family
        self._room = threading.BoundedSemaphore(MOST_CLIENTS)
        self._since_s: dict[socket.socket, float] = {}
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind; the standard library would ask the name service for our name, which can take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, as soon as there is room."""
        if not self._room.acquire(blocking=False):
            self._end_older_than(min(self._since_s.values(), default=0.0))
            if not self._room.acquire(timeout=_ROOM_TIMEOUT_S):
                self.shutdown_request(request)
                return
        self._since_s[request] = time.monotonic()
        try:
            super().process_request(request, client_address)
        except BaseException:  # there is no thread for it
            self._forget(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._forget(request)

    def _forget(self, request: Any) -> None:
        self._since_s.pop(request, None)
        self._room.release()

    def service_actions(self) -> None:
        """End clients that have been there for too long, a byte at a time."""
        self._end_older_than(time.monotonic() - CLIENT_TIMEOUT_S)

    def _end_older_than(self, at_s: float) -> None:
        for request, since_s in tuple(self._since_s.items()):
            if since_s <= at_s:
                _end(request)

    def leave_clients(self) -> None:
        """End all clients, and wait a little for their threads."""
        self._end_older_than(time.monotonic())
        deadline = time.monotonic() + _CLOSE_TIMEOUT_S
        for _ in range(MOST_CLIENTS):
            self._room.acquire(timeout=max(0.0, deadline - time.monotonic()))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that come and go as they like."""
        logger.debug("a request to the metrics server failed", exc_info=True)


def _end(request: socket.socket) -> None:
    try:
        request.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended
        return


def _listening(host: str, port: int) -> _Server:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise InvalidOption("host", ascii(host), "expected a name or an address of this machine") from error
    try:
        return _Server(family, str(address[0]), port)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise InvalidOption("host", ascii(host), "that is not an address of this machine") from error
        raise InvalidOption(
            "port",
            port,
            f"cannot listen there on {host} ({error.strerror}); choose another, or 0 for a free one",
        ) from error
