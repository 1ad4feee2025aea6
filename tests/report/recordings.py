"""Recordings, made by hand."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pulsar_cam.monitor.view import View
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.report.recording import Recording, read
from pulsar_cam.watching.stats import WatchStats

START = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "</style><script>alert(1)</script>$\\frac{$\u202e\x1b[31m"


def line(second: float, command: str = "publish", **values: Any) -> bytes:
    """One JSON line, as a command writes it."""
    stats = {"publish": PublishStats, "watch": WatchStats}.get(command, dict)()
    counters = stats.as_dict() if isinstance(stats, PublishStats | WatchStats) else {}
    at = (START + timedelta(seconds=second)).isoformat()
    whole = {"command": command, "event": "status", "at": at, **counters, "status": "connected", **values}
    return json.dumps(whole).encode() + b"\n"


def monitored(second: int, one: View) -> bytes:
    """One JSON line of the monitor."""
    at = (START + timedelta(seconds=second)).isoformat()
    return json.dumps({**one.as_dict(), "command": "monitor", "at": at}).encode() + b"\n"


def recorded(*lines: bytes) -> Recording:
    """The only recording in these lines."""
    (recording,) = read(io.BytesIO(b"".join(lines)), "run.jsonl")
    return recording


def run(second_of_fault: int = 5) -> bytes:
    """A publisher that lost its node for three seconds."""
    lines = []
    for second in range(20):
        is_down = second_of_fault <= second < second_of_fault + 3
        down = min(3, max(0, second - second_of_fault + 1))
        lines.append(
            line(
                second,
                captured=30 * second,
                published=30 * (second - down),
                dropped={"disconnected": 30 * down},
                reconnects=int(down == 3 and not is_down),
                fps=0.0 if is_down else 30.0,
                status="reconnecting: connection refused" if is_down else "connected",
                stages_ms={"encode": {"p50": 3.0, "p95": 4.0, "p99": 5.0}},
            )
        )
    return b"".join(lines)
