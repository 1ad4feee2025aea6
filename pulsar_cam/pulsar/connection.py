"""A WebSocket session with Pulsar that opens again whenever it closes.

The one border where the errors of ``websockets`` and of sockets become ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidProxy, InvalidStatus, WebSocketException

from ..errors import PROXY_UNUSABLE, ConnectionLost, NameInUse, NodeUnreachable, NotAuthenticated, PulsarCamError
from ..runtime.retry import MAX_DELAY_S, backoff, is_transient
from ..text import printable
from .credentials import headers_of, refused
from .refusal import Target, refusal
from .tls import is_secure, no_http, tls_failure
from .topics import Endpoint, is_loopback

logger = logging.getLogger(__name__)
# Below this level, websockets logs every header, and with it the token.
_websockets_logger = logging.getLogger("websockets.client.pulsar_cam")
_websockets_logger.setLevel(logging.INFO)

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 0.5
# A link that is too slow for the pictures still has them before the answer to our close frame.
_REOPEN_TIMEOUT_S = 0.1
# A peer that vanished without a word is noticed within 20 s.
PING_INTERVAL_S = 5.0
PING_TIMEOUT_S = 15.0
LEAST_IN_FLIGHT = 4
MOST_IN_FLIGHT = 64
MEASURE_INTERVAL_S = 1.0
"""The pause between the pings that measure the round trip; with them no session of ours is ever silent for long."""
_MEASURE_TIMEOUT_S = 1.0
_MOST_ROUND_TRIPS = 60
# Twice what a node's largest message (5 MiB, unless set otherwise) becomes in base64. One that arrives takes five
# times its size for a moment, and a viewer has 300 MB for all that it does.
MAX_TEXT_BYTES = 16 * 1024 * 1024
_MESSAGE_TOO_BIG = 1009
_CONNECTED = "connected"
# How long a name may stay taken: our own last session may just be closing.
NAME_PATIENCE_S = 3.0


def in_flight_on(round_trip_s: float, fps: float) -> int:
    """Return how many messages may be on their way at once, at least 4 and at most 64.

    Fewer than frame rate times round trip (Little's law) starve the link, more make pictures old; three are for what
    the node itself takes.
    """
    return min(MOST_IN_FLIGHT, max(LEAST_IN_FLIGHT, math.ceil(fps * round_trip_s) + 3))


class Connection:
    """The session of one producer or consumer, opened again after every close, for ever.

    Attributes:
        target: what is opened; may be changed before a (re)connection.
        status: what is going on, as a few words for a person.
        has_opened: whether there was a session.
        reconnects: how often it was opened again.
        recovery_s: how long the last interruption took, in seconds; None before the first one.
        round_trips_s: the times from a ping to its pong in the last minute of this session, in seconds.
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

        The other name is for a session that was lost without a word: the node can hold its name for minutes. None if
        the name must stay.
        """
        self.target = target
        self.status = "connecting"
        self.has_opened = False
        self.reconnects = 0
        self.recovery_s: float | None = None
        self.round_trips_s: deque[float] = deque(maxlen=_MOST_ROUND_TRIPS)
        self.log = log or logger
        self._endpoint = endpoint
        self._other_name = other_name
        self._websocket: ClientConnection | None = None
        self._reopens = False
        self._lost_because = ""
        self._delays_s = backoff()

    @property
    def is_connected(self) -> bool:
        """Whether a session is open, as far as is known."""
        return self.status == _CONNECTED

    async def open(self) -> ClientConnection:
        """Open and return the first session.

        What fails here is the caller's to know, so there is no retry but for a taken name.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        deadline = time.monotonic() + NAME_PATIENCE_S
        for delay_s in backoff():
            try:
                websocket = self._websocket = await _connect(self.target, self._endpoint)
            except NameInUse:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(delay_s)
            else:
                self.status, self.has_opened = _CONNECTED, True
                break
        return websocket

    async def sessions(self) -> AsyncIterator[ClientConnection]:
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
                self.round_trips_s.clear()  # the next session may take another way
            self._websocket = None
            if self._reopens:
                self._reopens = False
                self._websocket = await self._open_next(backoff())
                continue
            # A node that takes every session only to close it at once would otherwise be asked without a pause.
            if time.monotonic() - opened_at_s > MAX_DELAY_S:
                self._delays_s = backoff()
            lost = ConnectionLost(self.target.node, self._lost_because or _close_reason(websocket))
            self._lost_because = ""
            self.log.warning("%s", lost)
            self.status = f"reconnecting: {lost.reason}"
            since_s = time.monotonic()
            await asyncio.sleep(next(self._delays_s))
            self._websocket = await self._open_next(self._delays_s, since_s)

    async def _open_next(self, delays_s: Iterator[float], lost_at_s: float | None = None) -> ClientConnection:
        """Open the next session; count it if one was lost, or if the node does not take this one at once."""
        started_s, name_in_use_since_s = time.monotonic(), math.inf
        while True:
            try:
                websocket = await _connect(self.target, self._endpoint)
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
            await _end(self._websocket, _REOPEN_TIMEOUT_S)

    async def give_up_session(self, reason: str) -> None:
        """Take the session for lost, for that reason; `sessions` goes on with the next one."""
        if self._websocket:
            self._lost_because = reason
            await _end(self._websocket, _REOPEN_TIMEOUT_S)

    async def measure(self) -> None:
        """Add the time of a ping and its pong to `round_trips_s`; more than a second counts as one."""
        if not self._websocket:
            return
        try:
            async with asyncio.timeout(_MEASURE_TIMEOUT_S):
                pong = await self._websocket.ping()
                self.round_trips_s.append(await pong)
        except TimeoutError:
            self.round_trips_s.append(_MEASURE_TIMEOUT_S)
        except ConnectionClosed:
            return

    async def _keep_measuring(self) -> None:
        while True:
            await self.measure()
            await asyncio.sleep(MEASURE_INTERVAL_S)

    @property
    def round_trip_s(self) -> float:
        """The shortest of `round_trips_s`; 0 before the first one."""
        return min(self.round_trips_s, default=0.0)

    async def close(self) -> None:
        """Close the session with a close frame, or without one if the node does not take it in CLOSE_TIMEOUT_S."""
        self.status = "closed"
        websocket, self._websocket = self._websocket, None
        if websocket:
            await _end(websocket, CLOSE_TIMEOUT_S)


async def _end(websocket: ClientConnection, patience_s: float) -> None:
    # In a task of its own: in one that was cancelled, the time-outs of Python before 3.11.4 do not work.
    closing = asyncio.create_task(websocket.close())
    try:
        await asyncio.wait([closing], timeout=patience_s)
    finally:
        if not closing.done():  # its close frame waits behind what a stuck network does not take, or we may not wait
            websocket.transport.abort()
    await asyncio.wait([closing], timeout=CLOSE_TIMEOUT_S)


class _ConnectHere(connect):
    """Takes no redirection: it could lead a token elsewhere, or out of TLS."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _connect(target: Target, endpoint: Endpoint) -> ClientConnection:
    headers = await headers_of(endpoint.credentials)
    try:
        with _our_errors(target):
            return await _ConnectHere(
                target.url,
                additional_headers=headers,
                ssl=endpoint.tls if is_secure(target.url) else None,
                proxy=None if is_loopback(target.url) else True,
                compression=None,  # a JPEG in base64 does not get smaller, only slower
                max_size=MAX_TEXT_BYTES,
                max_queue=1,  # with the largest messages, more would take too much memory
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                ping_interval=PING_INTERVAL_S,
                ping_timeout=PING_TIMEOUT_S,
                logger=_websockets_logger,
            )
    except NotAuthenticated as error:
        raise refused(error.url, endpoint.credentials, headers) from error


@contextlib.contextmanager
def _our_errors(target: Target) -> Iterator[None]:
    try:
        yield
    except InvalidStatus as error:
        raise refusal(error.response.status_code, bytes(error.response.body or b""), target) from error
    except TimeoutError as error:
        raise NodeUnreachable(target.node, f"no answer within {OPEN_TIMEOUT_S:.0f} s") from error
    except ssl.SSLError as error:
        raise tls_failure(target.node, error) from error
    except OSError as error:
        raise NodeUnreachable(target.node, _os_reason(error)) from error
    except (InvalidProxy, ImportError) as error:  # ImportError: SOCKS needs a package of its own
        raise NodeUnreachable(target.node, PROXY_UNUSABLE) from error
    except (WebSocketException, ValueError) as error:
        reason = f"what answers there is no WebSocket server: {printable(str(error))}"
        raise no_http(target.node, reason) from error


def _os_reason(error: OSError) -> str:
    # A name with several addresses fails with one OSError about all of them, without an errno.
    refused = isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error)
    return "connection refused" if refused else error.strerror or str(error) or "the connection was closed"


def _close_reason(websocket: ClientConnection) -> str:
    code, reason = websocket.close_code, websocket.close_reason
    sent = websocket.protocol.close_sent
    if code == 1006 and sent and sent.code == _MESSAGE_TOO_BIG:
        return f"it sent a message of more than {MAX_TEXT_BYTES >> 20} MiB, which could fill the memory"
    if code == 1006:
        return "no close frame: the node died, or the network did"
    if code in (None, 1000, 1001, 1005) and not reason:
        return "closed by the node: it is stopping, or being restarted"
    return f"code {code}: {printable(reason or 'no reason given')}"
