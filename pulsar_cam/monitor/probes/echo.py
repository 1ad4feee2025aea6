"""Messages to ourselves: a producer and a consumer of ours on one topic that is not used otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time

from ...errors import ConnectionLost, PulsarError
from ...frame import Packet
from ...pulsar.endpoint import Endpoint
from ...pulsar.sessions.consumer import Consumer
from ...pulsar.sessions.producer import Producer
from ...pulsar.topics import Topic
from ...text import whole
from .. import sessions
from .arrivals import Arrivals
from .probe import Outcome, Probe

_SOURCE = "pulsar-cam-monitor"


class Echo:
    """Both sessions, once they are open; they open again by themselves.

    Attributes:
        connect_ms: how long the producer's took to open, the first time.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic) -> None:
        self.connect_ms = 0.0
        self._producer = Producer(endpoint, topic, log=sessions.log)
        self._consumer = Consumer(endpoint, topic, sessions.subscription(), fits_queue=False, log=sessions.log)
        self._url = endpoint.ws_url
        self._arrivals = Arrivals()
        self._opened: list[Producer | Consumer] = []
        self._receiving: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open both.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        await self._consumer.open()
        self._opened.append(self._consumer)
        self._receiving = asyncio.create_task(self._receive())
        began_s = time.perf_counter()
        await self._producer.open()
        self._opened.append(self._producer)
        self.connect_ms = round((time.perf_counter() - began_s) * 1e3, 2)

    async def close(self) -> None:
        """Close what is open, both at once; takes up to 2 s if the node does not answer."""
        if self._receiving:
            self._receiving.cancel()
            await asyncio.gather(self._receiving, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in self._opened))

    @property
    def reconnects(self) -> int:
        """How often they were interrupted, and opened again."""
        return max(self._producer.reconnects, self._consumer.reconnects)

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person: ``connected`` if all is well."""
        statuses = (self._producer.status, self._consumer.status)
        return next((each for each in statuses if each != "connected"), "connected")

    @property
    def waits_s(self) -> float:
        """How long the oldest message has waited for its receipt, in seconds; 0 if none waits."""
        return self._producer.oldest_in_flight_s

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent, and would come."""
        return self._producer.is_connected and self._consumer.status == "connected"

    async def room(self, patience_s: float) -> bool:
        """Wait until a message can be sent, at most this many seconds; return whether it can.

        Raises:
            PulsarError: the sessions cannot go on.
        """
        self._raise_if_ended()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._producer.room()
                return self.is_connected
        return False

    async def send(self, probe: Probe, patience_s: float) -> Outcome:
        """Send one message, and return what became of it after at most this many seconds."""
        number, arrival_ns = self._arrivals.expect(probe)
        packet = Packet(
            os.urandom(probe.payload_bytes), 0, 0, captured_at_ns=time.time_ns(), source=_SOURCE, sequence=number
        )
        receipt_ms: float | None = None
        sent_at_ns = time.monotonic_ns()
        try:
            async with asyncio.timeout(patience_s):
                receipt = await (await self._producer.send(packet))
                if not receipt.accepted:
                    return Outcome(problem=f"refused: {receipt.problem}")
                assert receipt.received_at_ns
                assert receipt.sent_at_ns
                receipt_ms = (receipt.received_at_ns - receipt.sent_at_ns) / 1e6
                return Outcome(receipt_ms, (await arrival_ns - sent_at_ns) / 1e6)
        except TimeoutError:
            what = "no receipt" if receipt_ms is None else "it was confirmed, but did not arrive"
            return Outcome(receipt_ms, problem=f"{what} within {patience_s:.1f} s")
        except PulsarError as error:
            return Outcome(problem=str(error))
        finally:
            arrival_ns.cancel()

    def _raise_if_ended(self) -> None:
        self._producer.raise_if_ended()
        if self._receiving and self._receiving.done():
            if not self._receiving.cancelled():
                self._receiving.result()
            raise ConnectionLost(self._url, "this consumer is closed", "open another one")

    async def _receive(self) -> None:
        async for delivery in self._consumer:
            at_ns = time.monotonic_ns()
            await self._consumer.ack(delivery)
            if delivery.properties.get("session") == self._producer.session:
                number = whole(delivery.properties.get("sequence"))
                if number is not None:
                    self._arrivals.came(number, at_ns)
