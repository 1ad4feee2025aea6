"""The floor: encode, base64, TCP on this machine, decode, and nothing between."""

from __future__ import annotations

import socket
import struct

import pybase64

from ..frames import Camera, jpeg_of
from ..meter import Meter
from ..plan import Job

_HEADER = struct.Struct("!QI")  # capture time, length


def publish(camera: Camera, job: Job, port: int) -> None:
    """Write each frame to a socket."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while shot := camera.read():
            text = pybase64.b64encode(jpeg_of(shot.image))
            connection.sendall(_HEADER.pack(shot.captured_at_ns, len(text)) + text)


def watch(meter: Meter, job: Job) -> None:
    """Read each frame from a socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        meter.listening(server.getsockname()[1])
        with server.accept()[0].makefile("rb") as stream:
            while header := stream.read(_HEADER.size):
                captured_at_ns, length = _HEADER.unpack(header)
                meter.decode(pybase64.b64decode(stream.read(length), validate=True), captured_at_ns)
