"""A WebSocket session with Pulsar that opens again whenever it closes."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

from websockets.exceptions import ConnectionClosed

from ...errors import ConnectionLost, LimitReached, NameInUse, PulsarCamError, PulsarError
from ...runtime.retry import MAX_DELAY_S, backoff, is_transient
from ..endpoint import Endpoint
from ..target import Target
from .cut import CutConnection
from .opening import CLOSE_TIMEOUT_S, close_reason, connect, end

logger = logging.getLogger(__name__)

# A link that is too slow for the pictures still has them before the answer to our close frame.
_REOPEN_TIMEOUT_S = 0.1
MEASURE_INTERVAL_S = 1.0
"""The pause between the pings that measure the round trip; with them no session of ours is ever silent for long."""
_MEASURE_TIMEOUT_S = 1.0
_MOST_PINGS = 60
_CONNECTED = "connected"
# How long a name or a place may stay taken: our own last session may just be closing.
NAME_PATIENCE_S = 3.0


class Connection:
    """The session of one producer or consumer, opened again after every close, for ever.

    Attributes:
        target: what is opened; may be changed before a (re)connection.
        status: what is going on, as a few words for a person.
        has_opened: whether there was a session.
        refusal: why the first one is not there yet; None if the node did not refuse it.
        reconnects: how often it was opened again.
        recovery_s: how long the last interruption took, in seconds; None before the first one.
        pings_s: the times from a ping to its pong in the last minute of this session, in seconds.
        log: where interruptions are logged.
    """

    def __init__(
        self,
        target: Target,
        endpoint: Endpoint,
        other_name: Callable[[], Target] | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        """Take what to open, what gives the same under another name, and where interruptions are logged.

        The other name is for a session that was lost silently: the node can hold its name for minutes. None if
        the name must stay.
        """
        self.target = target
        self.status = "connecting"
        self.has_opened = False
        self.refusal: PulsarError | None = None
        self.reconnects = 0
        self.recovery_s: float | None = None
        self.pings_s: deque[float] = deque(maxlen=_MOST_PINGS)
        self.log = log or logger
        self._endpoint = endpoint
        self._other_name = other_name
        self._websocket: CutConnection | None = None
        self._reopens = False
        self._lost_because = ""
        self._delays_s = backoff()

    @property
    def is_connected(self) -> bool:
        """Whether a session is open, as far as is known."""
        return self.status == _CONNECTED

    @property
    def session_bytes(self) -> int:
        """How many bytes of messages came on this session, without pings and the like."""
        return self._websocket.cut.message_bytes if self._websocket else 0

    async def open(self) -> CutConnection:
        """Open and return the first session.

        What fails here is the caller's to know. Only a name or a place that is taken is tried again for a moment.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        deadline = time.monotonic() + NAME_PATIENCE_S
        for delay_s in backoff():
            try:
                websocket = self._websocket = await connect(self.target, self._endpoint)
            except (NameInUse, LimitReached) as error:
                self.refusal, self.status = error, f"connecting: {error}"
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(delay_s)
            else:
                self.status, self.has_opened = _CONNECTED, True
                break
        return websocket

    async def sessions(self) -> AsyncIterator[CutConnection]:
        """Yield the open session, and the next one each time the caller is done with a closed one.

        Raises:
            PulsarError: the node refuses for a reason that will not pass.
        """
        while websocket := self._websocket:
            opened_at_s = time.monotonic()
            measuring = asyncio.create_task(self._keep_measuring())
            try:
                yield websocket
            finally:
                measuring.cancel()
                self.pings_s.clear()  # the next session may take another way
            self._websocket = None
            if self._reopens:
                self._reopens = False
                self._websocket = await self._open_next(backoff())
                continue
            # A node that takes every session only to close it at once would otherwise be asked without a pause.
            if time.monotonic() - opened_at_s > MAX_DELAY_S:
                self._delays_s = backoff()
            lost = ConnectionLost(self.target.node, self._lost_because or close_reason(websocket))
            self._lost_because = ""
            self.log.warning("%s", lost)
            self.status = f"reconnecting: {lost.reason}"
            since_s = time.monotonic()
            await asyncio.sleep(next(self._delays_s))
            self._websocket = await self._open_next(self._delays_s, since_s)

    async def _open_next(self, delays_s: Iterator[float], lost_at_s: float | None = None) -> CutConnection:
        """Open the next session; count it if one was lost, or if the node does not take this one at once."""
        started_s, name_in_use_since_s = time.monotonic(), math.inf
        while True:
            try:
                websocket = await connect(self.target, self._endpoint)
            except PulsarCamError as error:
                if not is_transient(error):
                    raise
                lost_at_s = lost_at_s or started_s
                self.log.info("still reconnecting: %s", error)
                self.status = f"reconnecting: {error}"
                if isinstance(error, NameInUse):
                    name_in_use_since_s = min(name_in_use_since_s, time.monotonic())
                    self._leave_the_name(name_in_use_since_s)
                await asyncio.sleep(next(delays_s))
            else:
                break
        self.status = _CONNECTED
        if lost_at_s:
            self.reconnects += 1
            self.recovery_s = round(time.monotonic() - lost_at_s, 3)
            self.log.warning("connected again to %s after %.1f s", self.target.node, self.recovery_s)
        return websocket

    def _leave_the_name(self, in_use_since_s: float) -> None:
        """Go on under another name if the node holds ours for too long, for the session that was lost."""
        if self._other_name and time.monotonic() - in_use_since_s > NAME_PATIENCE_S:
            before, self.target = self.target, self._other_name()
            if self.target.name != before.name:
                self.log.info("our name is held for the session that was lost; going on as %s", self.target.name)

    async def reopen(self) -> None:
        """End the session on purpose; `sessions` goes on with the next one at once."""
        if self._websocket:
            self._reopens = True
            await end(self._websocket, _REOPEN_TIMEOUT_S)

    async def give_up_session(self, reason: str) -> None:
        """Take the session for lost, for that reason; `sessions` goes on with the next one."""
        if self._websocket:
            self._lost_because = reason
            await end(self._websocket, _REOPEN_TIMEOUT_S)

    async def measure(self) -> None:
        """Add the time of a ping and its pong to `pings_s`; more than a second counts as one."""
        if not self._websocket:
            return
        try:
            async with asyncio.timeout(_MEASURE_TIMEOUT_S):
                pong = await self._websocket.ping()
                self.pings_s.append(await pong)
        except TimeoutError:
            self.pings_s.append(_MEASURE_TIMEOUT_S)
        except ConnectionClosed:
            return

    async def _keep_measuring(self) -> None:
        while True:
            await self.measure()
            await asyncio.sleep(MEASURE_INTERVAL_S)

    @property
    def ping_s(self) -> float:
        """The shortest of `pings_s`; 0 before the first one."""
        return min(self.pings_s, default=0.0)

    async def close(self) -> None:
        """Close the session with a close frame, or without one if the node does not take it in CLOSE_TIMEOUT_S."""
        self.status = "closed"
        websocket, self._websocket = self._websocket, None
        if websocket:
            await end(websocket, CLOSE_TIMEOUT_S)
