"""A camera stream through Apache Pulsar over its raw WebSocket JSON API.

Watch and publish in a loop of your own::

    for frame in pulsar_cam.frames("front-door"):
        print(frame.sequence, frame.image.shape, frame.age_ms)

    with pulsar_cam.publisher("front-door") as camera:
        camera.send(image)

or run what the command line runs, with `publish` and `watch`, or take the parts below them: sessions (`Producer`,
`Consumer`), the admin API (`Admin`), and plain functions from pictures to packets and back.
"""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import (
        DecodeError,
        EncodeError,
        InvalidOption,
        NameInUse,
        NodeUnreachable,
        NotAuthenticated,
        NotAuthorized,
        PulsarCamError,
        SourceError,
        TopicNotFound,
    )
    from .frame import Frame, Packet
    from .pictures.jpeg import decode, encode
    from .publishing.plan import Adapt, PublishPlan
    from .publishing.publish import publish
    from .publishing.publisher import Publisher, publisher
    from .publishing.stats import PublishStats
    from .pulsar.access.credentials import Token, TokenFile
    from .pulsar.access.oauth2 import OAuth2
    from .pulsar.access.tls import tls_context
    from .pulsar.admin.admin import Admin
    from .pulsar.endpoint import Endpoint
    from .pulsar.messages.wire import Delivery, Receipt, packet_of
    from .pulsar.sessions.consumer import Consumer, SubscriptionType
    from .pulsar.sessions.producer import Producer
    from .pulsar.sessions.pull import PullConsumer
    from .pulsar.sessions.reader import Reader
    from .pulsar.topics import Topic, TopicPattern
    from .sinks.sink import Sink
    from .sinks.viewer import Viewer
    from .sinks.window import Window
    from .sources.opening import open_source
    from .sources.source import Source
    from .watching.frames import Frames, frames
    from .watching.plan import WatchPlan
    from .watching.stats import WatchStats
    from .watching.watch import watch

_WHERE = {
    "errors": (
        "DecodeError", "EncodeError", "InvalidOption", "NameInUse", "NodeUnreachable", "NotAuthenticated",
        "NotAuthorized", "PulsarCamError", "SourceError", "TopicNotFound",
    ),
    "frame": ("Frame", "Packet"),
    "pictures.jpeg": ("decode", "encode"),
    "publishing.plan": ("Adapt", "PublishPlan"),
    "publishing.publish": ("publish",),
    "publishing.publisher": ("Publisher", "publisher"),
    "publishing.stats": ("PublishStats",),
    "pulsar.admin.admin": ("Admin",),
    "pulsar.sessions.consumer": ("Consumer", "SubscriptionType"),
    "pulsar.access.credentials": ("Token", "TokenFile"),
    "pulsar.endpoint": ("Endpoint",),
    "pulsar.access.oauth2": ("OAuth2",),
    "pulsar.sessions.producer": ("Producer",),
    "pulsar.sessions.pull": ("PullConsumer",),
    "pulsar.sessions.reader": ("Reader",),
    "pulsar.access.tls": ("tls_context",),
    "pulsar.topics": ("Topic", "TopicPattern"),
    "pulsar.messages.wire": ("Delivery", "Receipt", "packet_of"),
    "sinks.sink": ("Sink",),
    "sinks.viewer": ("Viewer",),
    "sinks.window": ("Window",),
    "sources.opening": ("open_source",),
    "sources.source": ("Source",),
    "watching.frames": ("Frames", "frames"),
    "watching.plan": ("WatchPlan",),
    "watching.stats": ("WatchStats",),
    "watching.watch": ("watch",),
}  # fmt: skip
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "Adapt",
    "Admin",
    "Consumer",
    "DecodeError",
    "Delivery",
    "EncodeError",
    "Endpoint",
    "Frame",
    "Frames",
    "InvalidOption",
    "NameInUse",
    "NodeUnreachable",
    "NotAuthenticated",
    "NotAuthorized",
    "OAuth2",
    "Packet",
    "Producer",
    "PublishPlan",
    "PublishStats",
    "Publisher",
    "PullConsumer",
    "PulsarCamError",
    "Reader",
    "Receipt",
    "Sink",
    "Source",
    "SourceError",
    "SubscriptionType",
    "Token",
    "TokenFile",
    "Topic",
    "TopicNotFound",
    "TopicPattern",
    "Viewer",
    "WatchPlan",
    "WatchStats",
    "Window",
    "__version__",
    "decode",
    "encode",
    "frames",
    "open_source",
    "packet_of",
    "publish",
    "publisher",
    "tls_context",
    "watch",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for (PEP 562): the command line's ``--help`` needs none of it."""
    if name == "__version__":
        return metadata.version("pulsar-cam")
    if name not in _MODULES:
        raise AttributeError(f"module 'pulsar_cam' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
