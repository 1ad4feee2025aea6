"""WebRTC with aiortc, by its own default codec and rate control.

The codec keeps no metadata, so each frame carries its number in a row of black and white blocks along the lower edge:
24 bits, then the same 24 inverted, which marks an intact row. The publisher reports later when each was captured.
"""

from __future__ import annotations

import asyncio
import json
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from ..frames import Camera, Image
from ..meter import Meter
from ..plan import Job

_BITS = 24
_ROW = 16  # pixels
_RTP_CLOCK = 90_000
_NO_SERVERS = RTCConfiguration(iceServers=[])  # both ends are here: no other server is needed


class CameraTrack(VideoStreamTrack):
    """The camera as a track."""

    def __init__(self, camera: Camera) -> None:
        super().__init__()
        self._camera = camera
        self.captured_at_ns: list[int] = []
        self.ended = asyncio.Event()

    async def recv(self) -> VideoFrame:
        """Wait for the next frame."""
        shot = await asyncio.to_thread(self._camera.read)
        if shot is None:
            self.ended.set()
            raise MediaStreamError
        self.captured_at_ns.append(shot.captured_at_ns)
        frame = VideoFrame.from_ndarray(with_number(shot.image, shot.number), format="bgr24")
        frame.pts = (shot.captured_at_ns - self.captured_at_ns[0]) * _RTP_CLOCK // 1_000_000_000
        frame.time_base = Fraction(1, _RTP_CLOCK)
        return frame


def publish(camera: Camera, job: Job, port: int) -> dict[str, Any]:
    """Offer a track, and send it until the camera's time is over."""
    return asyncio.run(_publish(camera, job, port))


async def _publish(camera: Camera, job: Job, port: int) -> dict[str, Any]:
    connection, track = RTCPeerConnection(_NO_SERVERS), CameraTrack(camera)
    connection.addTrack(track)
    await connection.setLocalDescription(await connection.createOffer())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _write_description(writer, connection)
    await connection.setRemoteDescription(await _read_description(reader))
    await track.ended.wait()
    camera.end()
    stats = await connection.getStats()
    sent = sum(entry.bytesSent for entry in stats.values() if entry.type == "outbound-rtp")
    return {"captured_at_ns": track.captured_at_ns, "udp_bytes": sent}


def watch(meter: Meter, job: Job) -> None:
    """Answer an offer, and show its track."""
    asyncio.run(_watch(meter))


async def _watch(meter: Meter) -> None:
    connection: Any = RTCPeerConnection(_NO_SERVERS)

    async def show(track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            number = read_number(frame.to_ndarray(format="bgr24"))
            if number is not None:
                await asyncio.to_thread(meter.shown, number)  # a slow viewer must not stop the connection

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connection.setRemoteDescription(await _read_description(reader))
        await connection.setLocalDescription(await connection.createAnswer())
        await _write_description(writer, connection)

    tasks: set[asyncio.Task[None]] = set()
    connection.on("track", lambda track: tasks.add(asyncio.create_task(show(track))))
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    meter.listening(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()  # the meter ends it


async def _write_description(writer: asyncio.StreamWriter, connection: Any) -> None:
    description = connection.localDescription
    writer.write(json.dumps({"sdp": description.sdp, "type": description.type}).encode() + b"\n")
    await writer.drain()


async def _read_description(reader: asyncio.StreamReader) -> Any:
    return RTCSessionDescription(**json.loads(await reader.readline()))


def with_number(image: Image, number: int) -> Image:
    """Return a copy of an image with its number in the lowest rows."""
    bits = np.array([number >> place & 1 for place in range(_BITS)], np.uint8)
    block = image.shape[1] // (2 * _BITS)
    row = np.repeat(np.concatenate((bits, 1 - bits)) * 255, block)
    marked = image.copy()
    marked[-_ROW:, : len(row)] = row[None, :, None]
    return marked


def read_number(image: Image) -> int | None:
    """Return the number in an image, or None if the codec left no trace of it."""
    block = image.shape[1] // (2 * _BITS)
    middle = image[-_ROW // 2 - 2 : -_ROW // 2 + 2, : 2 * _BITS * block].mean(axis=(0, 2))
    bits = middle.reshape(2 * _BITS, block)[:, block // 4 : -block // 4].mean(axis=1) > 127
    if np.any(bits[:_BITS] == bits[_BITS:]):
        return None
    return sum(1 << place for place in range(_BITS) if bits[place])
