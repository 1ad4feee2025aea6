"""A naive WebSocket client of Pulsar: the standard library's json and base64, one frame at a time."""

from __future__ import annotations

import base64
import json

from websockets.sync.client import connect

from ..frames import Camera, jpeg_of
from ..meter import Meter
from ..plan import Job

# What `websockets` offers by itself, and Pulsar takes; base64 does not get smaller than the JPEG in it.
_COMPRESSION = {"naive-websocket": "deflate", "naive-uncompressed": None}


def publish(camera: Camera, job: Job, port: int) -> None:
    """Send each frame, and wait for its receipt before the next."""
    with connect(_url(job, "producer"), compression=_COMPRESSION[job.transport]) as websocket:
        while shot := camera.read():
            payload = base64.b64encode(jpeg_of(shot.image)).decode()
            properties = {"captured-at-ns": str(shot.captured_at_ns)}
            websocket.send(json.dumps({"payload": payload, "properties": properties}))
            websocket.recv()


def watch(meter: Meter, job: Job) -> None:
    """Decode each message, then acknowledge it."""
    with connect(_url(job, "consumer") + "/viewer", compression=_COMPRESSION[job.transport]) as websocket:
        meter.listening(0)
        for text in websocket:
            message = json.loads(text)
            meter.decode(base64.b64decode(message["payload"]), int(message["properties"]["captured-at-ns"]))
            websocket.send(json.dumps({"messageId": message["messageId"]}))


def _url(job: Job, role: str) -> str:
    return f"{job.service_url.replace('http', 'ws', 1)}/ws/v2/{role}/{job.topic.replace('://', '/')}"
