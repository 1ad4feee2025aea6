"""What a node's settings mean for frames: how large they may be, and how long a silent session lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..pulsar.admin.admin import limits_in
from ..pulsar.messages.wire import max_jpeg_bytes
from ..pulsar.sessions.connection import MEASURE_INTERVAL_S
from ..text import LARGEST, whole
from .finding import Finding

# A ping is sent a second after the pong of the one before, which may take a second itself.
_SHORTEST_IDLE_S = 2 * MEASURE_INTERVAL_S
_LONGEST_IDLE_S = 120.0
# What a JPEG of 1080p at quality 95 needs, 1 MB: as JSON in base64, and as a message.
_NEEDED = {"webSocketMaxTextFrameSize": 1_400_000, "maxMessageSize": 1_010_000}


def frame_limit_in(settings: Mapping[str, Any]) -> Finding:
    """Report the largest JPEG that a node with these settings takes."""
    limits = limits_in(settings)
    says = f"JPEGs of up to {max_jpeg_bytes(limits.text, limits.message) // 1000} kB"
    values = {"webSocketMaxTextFrameSize": limits.text, "maxMessageSize": limits.message}
    low = [f"{name} to {_NEEDED[name]}" for name, value in values.items() if value < _NEEDED[name]]
    if not low:
        return Finding("frame limit", "ok", says)
    says += "; 1080p at quality 95 takes about 1 MB, and 'publish' lowers the quality until frames fit"
    return Finding("frame limit", "warning", says, f"raise {' and '.join(low)} or more in the node's settings")


def idle_timeout_in(settings: Mapping[str, Any]) -> Finding:
    """Report how long a silent session lasts on a node with these settings."""
    timeout_s = _setting(settings, "webSocketSessionIdleTimeoutMillis", 300_000) / 1000
    ends = f"end after {timeout_s:g} s of silence" if timeout_s > 0 else "never end by silence"
    says = f"sessions {ends}; ours send a ping every {MEASURE_INTERVAL_S:g} s"
    better = "set webSocketSessionIdleTimeoutMillis=60000 on the node"
    if 0 < timeout_s <= _SHORTEST_IDLE_S:
        return Finding("idle timeout", "problem", says, better)
    if _setting(settings, "webSocketPingDurationSeconds", -1) > 0:
        says += "; the node pings too, so a client that lost its network holds its subscription for ever"
        return Finding("idle timeout", "warning", says, "set webSocketPingDurationSeconds=-1 on the node")
    if timeout_s <= 0 or timeout_s > _LONGEST_IDLE_S:
        says += "; a client that lost its network holds its subscription for as long"
        return Finding("idle timeout", "warning", says, better)
    return Finding("idle timeout", "ok", says)


def _setting(settings: Mapping[str, Any], name: str, default: int) -> int:
    value = whole(settings.get(name), least=-LARGEST)
    return default if value is None else value
