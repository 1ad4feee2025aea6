"""HTTP POST per frame (REST): a `requests` session to the standard library's threaded server, connection kept."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from ..frames import Camera, jpeg_of
from ..meter import Meter
from ..plan import Job

_CAPTURED = "X-Captured-At-Ns"


def publish(camera: Camera, job: Job, port: int) -> None:
    """Post each frame, and wait for the answer before the next."""
    with requests.Session() as session:
        session.trust_env = False  # no proxy stands before this machine
        while shot := camera.read():
            headers = {"Content-Type": "image/jpeg", _CAPTURED: str(shot.captured_at_ns)}
            url = f"http://127.0.0.1:{port}/frames"
            session.post(url, data=jpeg_of(shot.image), headers=headers, timeout=10).raise_for_status()


def watch(meter: Meter, job: Job) -> None:
    """Decode each frame, then answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps the connection

        def do_POST(self) -> None:
            jpeg = self.rfile.read(int(self.headers["Content-Length"]))
            meter.decode(jpeg, int(self.headers[_CAPTURED]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Nothing: a line per frame would be measured too."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        meter.listening(server.server_port)
        server.serve_forever()
