"""Probes of several sizes through one kind of session, a round of them at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ...errors import NodeUnreachable, PulsarError
from ...pulsar.endpoint import Endpoint
from ...pulsar.topics import Topic
from .echo import Echo
from .probe import Probe

_LEAST_PATIENCE_S = 0.2  # less gives a message no chance


class Lane:
    """Sends one message of each size in a round, the small ones first, and waits for each.

    Args:
        keeps_open: use the same sessions in all rounds, as long as they live; if not, new ones in each.

    Attributes:
        topic: where its probes go.
        probes: those that it sends.
        error: why there were no sessions in the last round; None if there were.
        connect_ms: how long the last ones took to open; None if they did not.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic, probes: Sequence[Probe], *, keeps_open: bool) -> None:
        self.error: PulsarError | None = None
        self.connect_ms: float | None = None
        self.probes = probes
        self._endpoint, self.topic, self._keeps_open = endpoint, topic, keeps_open
        self._echo: Echo | None = None
        self._earlier_reconnects = 0
        self._closing: asyncio.Task[None] | None = None

    @property
    def reconnects(self) -> int:
        """How often kept sessions were opened again."""
        return self._earlier_reconnects + (self._echo.reconnects if self._echo else 0)

    async def round(self, patience_s: float) -> None:
        """Send one message of each size; takes about this many seconds at most, and never raises a PulsarError."""
        until_s = time.monotonic() + patience_s
        self.error = None
        for probe in self.probes:
            probe.begin_round()
        try:
            await self._send_all(await self._opened(patience_s), until_s)
        except PulsarError as error:
            self.error = error
            for probe in self.probes:
                probe.policy.forget()
        if not self._keeps_open:
            self._let_go()

    async def _opened(self, patience_s: float) -> Echo:
        if self._closing:
            await asyncio.wait([self._closing])
        if not self._echo:
            await self._open(patience_s)
        assert self._echo
        return self._echo

    async def _open(self, patience_s: float) -> None:
        self.connect_ms = None
        self._echo = echo = Echo(self._endpoint, self.topic)
        try:
            async with asyncio.timeout(patience_s):
                await echo.open()
        except TimeoutError as error:
            self._let_go()
            raise NodeUnreachable(self._endpoint.ws_url, f"no answer within {patience_s:g} s") from error
        except PulsarError:
            self._let_go()
            raise
        self.connect_ms = echo.connect_ms

    async def _send_all(self, echo: Echo, until_s: float) -> None:
        if not await self._has_room(echo, until_s - time.monotonic()):
            self.probes[0].policy.failed(f"no receipt for {echo.waits_s:.0f} s")
            return
        for probe in self.probes:
            outcome = await echo.send(probe, max(_LEAST_PATIENCE_S, until_s - time.monotonic()))
            probe.settle(outcome)
            if outcome.problem:  # the larger ones would only wait behind it
                return

    async def _has_room(self, echo: Echo, patience_s: float) -> bool:
        try:
            has_room = await echo.room(patience_s)
        except PulsarError:
            self._let_go()
            raise
        if not echo.is_connected:
            raise NodeUnreachable(self._endpoint.ws_url, echo.status)
        return has_room

    def _let_go(self) -> None:
        """Close the sessions without waiting for it: a node that does not answer takes its time."""
        if self._echo:
            self._earlier_reconnects += self._echo.reconnects
            self._closing = asyncio.create_task(self._echo.close())
            self._echo = None

    async def close(self) -> None:
        """Close the sessions."""
        self._let_go()
        if self._closing:
            await asyncio.wait([self._closing])
