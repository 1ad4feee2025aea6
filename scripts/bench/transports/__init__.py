"""The transports by name. A transport is one file here, with a function for each side.

``publish(camera, job, port)`` sends what ``camera.read()`` gives until that is None, and may return what it counted.
``watch(meter, job)`` calls ``meter.listening`` once it can be sent to, then shows each frame with ``meter.decode``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Transport:
    """A way to move frames.

    Attributes:
        label: what people read.
        module: its file in this folder; `publish` and ``watch`` are the functions there.
        topic: ``persistent`` or ``non-persistent``; empty for what is not Pulsar.
        needs: packages without which it is left out.
        encoded: its camera gives JPEGs, as many cameras do.
        peer: the transport it is compared with.
    """

    label: str
    module: str
    topic: str = ""
    needs: tuple[str, ...] = ()
    publish: str = "publish"
    encoded: bool = False
    peer: str = "common-persistent"

    def load(self, function: str) -> Callable[..., Any]:
        """Return a function of its module."""
        loaded: Callable[..., Any] = getattr(importlib.import_module(f".{self.module}", __package__), function)
        return loaded

    def problem(self) -> str:
        """Return why it cannot run here; empty if it can."""
        missing = [package for package in self.needs if importlib.util.find_spec(package) is None]
        return f"not installed: {', '.join(missing)}" if missing else ""


_PERSISTENT, _NON_PERSISTENT, _LIKE = "persistent", "non-persistent", "common-non-persistent"

TRANSPORTS = {
    "ours-persistent": Transport("pulsar-cam, persistent", "ours", _PERSISTENT),
    "ours-non-persistent": Transport("pulsar-cam, non-persistent", "ours", _NON_PERSISTENT, peer=_LIKE),
    "ours-mjpeg": Transport(
        "pulsar-cam, MJPEG camera, non-persistent",
        "ours",
        _NON_PERSISTENT,
        encoded=True,
        peer=_LIKE,
    ),
    "common-persistent": Transport("common way, persistent", "native", _PERSISTENT, ("pulsar",)),
    "common-non-persistent": Transport(
        "common way, non-persistent", "native", _NON_PERSISTENT, ("pulsar",), peer=_LIKE
    ),
    "native-async": Transport(
        "native, async send, persistent", "native", _PERSISTENT, ("pulsar",), publish="publish_async"
    ),
    "naive-websocket": Transport("naive WebSocket, persistent", "naive_websocket", _PERSISTENT),
    "naive-uncompressed": Transport("the same without compression", "naive_websocket", _PERSISTENT),
    "imagezmq": Transport("imagezmq", "zeromq", needs=("imagezmq",)),
    "http-post": Transport("HTTP POST (REST)", "http_post", needs=("requests",)),
    "webrtc": Transport("WebRTC (aiortc)", "webrtc", needs=("aiortc",)),
    "floor": Transport("floor: base64 over TCP", "floor"),
}
