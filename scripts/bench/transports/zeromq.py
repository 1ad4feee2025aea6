"""imagezmq: JPEGs over ZeroMQ, request and reply, as its README shows; the capture time is the message's text."""

from __future__ import annotations

import socket

import imagezmq
import numpy as np

from ..frames import Camera, jpeg_of
from ..meter import Meter
from ..plan import Job


def publish(camera: Camera, job: Job, port: int) -> None:
    """Send each frame, and wait for the reply before the next."""
    sender = imagezmq.ImageSender(connect_to=f"tcp://127.0.0.1:{port}")
    while shot := camera.read():
        sender.send_jpg(str(shot.captured_at_ns), np.frombuffer(jpeg_of(shot.image), np.uint8))


def watch(meter: Meter, job: Job) -> None:
    """Decode each frame, then reply."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # imagezmq does not say which port it got
        port = server.getsockname()[1]
    hub = imagezmq.ImageHub(open_port=f"tcp://127.0.0.1:{port}")
    meter.listening(port)
    while True:
        captured_at_ns, jpeg = hub.recv_jpg()
        meter.decode(jpeg, int(captured_at_ns))
        hub.send_reply(b"OK")
