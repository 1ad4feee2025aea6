"""What consumers and readers have in common: Pulsar pushes messages, and stops until some of them are answered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator

from websockets.exceptions import ConnectionClosed

from ...errors import BadMessage
from ..endpoint import Endpoint
from ..messages.wire import Delivery, ack_of_unreadable, cut_delivery, parse_delivery
from ..target import Target
from .connection import Connection
from .cut import CutConnection
from .in_flight import in_flight_on
from .session import Session

logger = logging.getLogger(__name__)

RECEIVER_QUEUE = 4
"""Messages that Pulsar may push ahead of our answers; its default of 1000 is half a minute of old pictures."""
_USUAL_FPS = 60
_MOST_MEASUREMENTS = 3  # a single ping can be late on a busy machine


class Receiving(Session):
    """A session on which messages come; an async iterator of deliveries.

    A text that is not a message of Pulsar's is counted, and answered if it names one.

    Args:
        fits_queue: measure the link first, and fit `receiver_queue` to it; of no use where messages come one by one.
        log: where interruptions of the session are logged; by default, where `Connection` logs.

    Attributes:
        receiver_queue: messages that Pulsar may push ahead of our answers.
    """

    def __init__(self, endpoint: Endpoint, *, fits_queue: bool, log: logging.Logger | None) -> None:
        self.receiver_queue = RECEIVER_QUEUE
        self._endpoint, self._fits_queue = endpoint, fits_queue
        self._websocket: CutConnection | None = None
        self._read_ahead: deque[bytes] = deque()
        super().__init__(Connection(self._target(), endpoint, self._target_of_another_name, log))

    @abstractmethod
    def _target(self) -> Target:
        """Return what the next session is opened for."""

    def _target_of_another_name(self) -> Target:
        """Return what to open while the node holds our name for a session that was lost."""
        return self._target()

    async def open(self) -> None:
        """Open the session.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        websocket = await self._connection.open()
        try:
            if self._fits_queue:
                await self._fit_receiver_queue(websocket)
        except BaseException:
            await self._connection.close()
            raise

    async def close(self) -> None:
        """Close the session."""
        await self._connection.close()

    async def _fit_receiver_queue(self, websocket: CutConnection) -> None:
        """Take a longer queue on a link so long that answers would come too late for the next frames."""
        needed = await self._needed_queue(websocket)
        if needed <= self.receiver_queue:
            return
        logger.info("a round trip takes %.0f ms: %d messages ahead", self.ping_s * 1000, needed)
        self.receiver_queue = needed
        self._connection.target = self._target()
        self._read_ahead.clear()  # what was not answered
        await self._connection.close()
        await self._connection.open()

    async def _needed_queue(self, websocket: CutConnection) -> int:
        reading = asyncio.create_task(self._keep_reading_ahead(websocket))
        try:
            for _ in range(_MOST_MEASUREMENTS):
                await self._connection.measure()
                needed = in_flight_on(self.ping_s, _USUAL_FPS)
                if needed <= self.receiver_queue:
                    break
        finally:
            reading.cancel()
            await asyncio.wait([reading])
        return needed

    async def _keep_reading_ahead(self, websocket: CutConnection) -> None:
        """Take what is delivered meanwhile: a pong comes behind it, and nothing comes behind what is not taken."""
        with contextlib.suppress(ConnectionClosed):
            while len(self._read_ahead) < RECEIVER_QUEUE:
                self._read_ahead.append(await websocket.recv(decode=False))

    async def __aiter__(self) -> AsyncIterator[Delivery]:
        """Yield each delivery, for ever.

        Raises:
            PulsarError: the node refuses to take us back for a reason that will not pass.
        """
        async for websocket in self._connection.sessions():
            self._websocket = websocket
            with contextlib.suppress(ConnectionClosed):
                await self._begin()
                while self._websocket is websocket:
                    text = self._read_ahead.popleft() if self._read_ahead else await websocket.recv(decode=False)
                    if delivery := self._parse(text):
                        if self._wants(delivery):
                            yield delivery
                        await self._end(delivery)
                    elif ack := ack_of_unreadable(text):
                        await websocket.send(ack, text=True)
            self._read_ahead.clear()
            self._connection.target = self._target()

    async def _begin(self) -> None:
        """Say what is to be said first on a session."""

    def _wants(self, delivery: Delivery) -> bool:
        """Return whether to yield a delivery."""
        return True

    async def _end(self, delivery: Delivery) -> None:
        """Say what is to be said when the next delivery is wanted."""

    def _parse(self, text: bytes) -> Delivery | None:
        if cut := cut_delivery(text, time.time_ns()):
            return cut
        try:
            return parse_delivery(text, time.time_ns())
        except BadMessage as error:
            self._count_bad_message(error)
            return None

    async def _say(self, text: str) -> None:
        """Send a text, without effect once the session is closed: Pulsar then delivers again what is not answered."""
        if self._websocket:
            with contextlib.suppress(ConnectionClosed):
                await self._websocket.send(text)
