"""What a node's admin API says of the node: its version, its own health, and its idle time-out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import urlsplit

from ...errors import NodeUnreachable, PulsarError, TlsFailed
from ...pulsar.admin.admin import Admin
from ...pulsar.endpoint import Endpoint
from ...text import whole
from ..facts import NodeFacts

T = TypeVar("T")

_CONNECT_S = 0.5
_DEFAULT_IDLE_TIMEOUT_MS = 300_000


class NodeLook:
    """Asks the admin API, round by round; its settings once, and again after it did not answer.

    Args:
        admin: an open client, whose time-out bounds each answer.
    """

    def __init__(self, admin: Admin, endpoint: Endpoint) -> None:
        self._admin, self._endpoint = admin, endpoint
        self._idle_timeout_s: float | None = None
        self._has_told_settings = False

    async def round(self) -> NodeFacts:
        """Return how the node is; never raises a PulsarError."""
        version = await _answer(self._admin.version())
        if isinstance(version, PulsarError):
            self._has_told_settings = False
            is_silent = isinstance(version, NodeUnreachable) and not isinstance(version, TlsFailed)
            return NodeFacts(version, hangs=is_silent and await self._takes_connections())
        health = await _answer(self._admin.check_health())
        return NodeFacts(version, health, await self._idle_timeout())

    async def _idle_timeout(self) -> float | None:
        if not self._has_told_settings:
            self._has_told_settings = True
            settings = await _answer(self._admin.settings())
            self._idle_timeout_s = None if isinstance(settings, PulsarError) else _seconds(settings)
        return None if self._endpoint.has_separate_proxy else self._idle_timeout_s

    async def _takes_connections(self) -> bool:
        url = urlsplit(self._endpoint.admin_url)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(_CONNECT_S):
                _, writer = await asyncio.open_connection(url.hostname, port)
        except (TimeoutError, OSError):
            return False
        writer.transport.abort()
        return True


async def _answer(answer: Awaitable[T]) -> T | PulsarError:
    try:
        return await answer
    except PulsarError as error:
        return error


def _seconds(settings: dict[str, object]) -> float | None:
    timeout_ms = whole(settings.get("webSocketSessionIdleTimeoutMillis", _DEFAULT_IDLE_TIMEOUT_MS))
    return None if timeout_ms is None else timeout_ms / 1000
