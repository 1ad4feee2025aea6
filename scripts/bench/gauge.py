"""What a process has used so far: CPU time, CPU time inside the JPEG codec, and bytes through its TCP sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import simplejpeg

from pulsar_cam.pictures.opencv import cv2

# Linux: struct tcp_info in include/uapi/linux/tcp.h; tcpi_bytes_acked and tcpi_bytes_received, two 64-bit numbers.
_TCP_INFO_BYTES, _BYTES_OFFSET = 136, 120


@dataclass(frozen=True)
class Mark:
    """A reading: seconds of CPU time, bytes, and how many frames had gone by."""

    frames: int
    cpu_s: float
    jpeg_s: float
    wire_bytes: int | None


class Gauge:
    """Measures the process it is made in; the JPEG functions are wrapped, for every caller alike."""

    def __init__(self) -> None:
        self._jpeg_s, self._lock = 0.0, threading.Lock()
        cv2.imencode = self._timed(cv2.imencode)
        cv2.imdecode = self._timed(cv2.imdecode)
        simplejpeg.decode_jpeg = self._timed(simplejpeg.decode_jpeg)

    def read(self, frames: int) -> Mark:
        """Return a reading."""
        return Mark(frames, time.process_time(), self._jpeg_s, tcp_bytes())

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            start_s = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                with self._lock:
                    self._jpeg_s += time.thread_time() - start_s

        return call


def tcp_bytes() -> int | None:
    """Return the bytes that went both ways through this process's open TCP sockets; None where it is not known.

    Counted are bytes of the streams: what TCP and IP add is not.
    """
    if not os.path.isdir("/proc/self/fd") or not hasattr(socket, "TCP_INFO"):
        return None
    total = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError, struct.error):  # closed meanwhile, or not of TCP
            if not os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(name))) as copy:
                info = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            total += sum(struct.unpack_from("=QQ", info, _BYTES_OFFSET))
    return total
