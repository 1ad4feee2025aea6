"""How full the backlog of a topic is, and what happens when it is full."""

from __future__ import annotations

from .finding import Finding

NEARLY_FULL = 0.8
_CHANGE = "let its subscriptions catch up, or delete those that are not used: frames will be lost or refused"


def share_of(backlog_bytes: int, limit_bytes: int | None) -> float:
    """Return the share of its limit that a backlog takes; 0 without a limit."""
    return backlog_bytes / limit_bytes if limit_bytes else 0.0


def nearly_full(check: str, says: str, share: float) -> Finding | None:
    """Return a warning, after what else there is to say, if the backlog is nearly full."""
    if share < NEARLY_FULL:
        return None
    return Finding(check, "warning", f"{says}; the backlog is at {share:.0%} of its limit", _CHANGE)
