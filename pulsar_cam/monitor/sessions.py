"""The monitor's own sessions with a node: their subscriptions' names, and where their interruptions are logged."""

from __future__ import annotations

import logging
import secrets

from ..pulsar.topics import MONITOR_NAME

log = logging.getLogger(__name__)
"""Interruptions of the monitor's sessions; a finding says the same, and better."""


def subscription() -> str:
    """Return a new name for a subscription, by which a publisher on demand knows that it is not a viewer's."""
    return f"{MONITOR_NAME}{secrets.token_hex(4)}"
