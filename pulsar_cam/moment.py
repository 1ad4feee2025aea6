"""Moments in texts, as in ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_text(at_ns: int) -> str:
    """Return a Unix time in nanoseconds as ``2026-01-31T12:00:00.250Z``."""
    text = datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
