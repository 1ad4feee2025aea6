"""The condition of a stream behind its node, which a monitor sees and a publisher cannot.

It is told over a topic of its own, as JSON with the names of `Condition`: the non-persistent topic of the stream's
name and ``-condition``, because whoever is not there at the time needs it no more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Any, Self

import orjson

from ..errors import BadMessage, PulsarError
from ..frame import Packet
from ..text import load_json
from .consumer import Consumer
from .topics import Endpoint, Topic

logger = logging.getLogger(__name__)

SOURCE = "pulsar-cam-monitor"
STALE_S = 20.0
"""A condition that is older says nothing of now."""
_LARGEST = 1e9


def condition_topic(topic: Topic) -> Topic:
    """Return where the condition of a stream is told."""
    return replace(topic, domain="non-persistent", name=f"{topic.name}-condition")


@dataclass(frozen=True, slots=True)
class Condition:
    """What frames meet on their way from the node to those who watch; None for what is not known.

    Attributes:
        probe_ms: how long a message of a frame's size takes from end to end.
        budget_ms: how long it may take.
        age_ms: how old half of the frames are when they reach a viewer that does nothing with them.
        max_age_ms: how old they may be.
        backlog: how many messages even the most advanced viewer has not acknowledged.
    """

    probe_ms: float | None = None
    budget_ms: float | None = None
    age_ms: float | None = None
    max_age_ms: float | None = None
    backlog: int | None = None

    @property
    def why_late(self) -> str:
        """Why frames get late behind the node, as the beginning of a sentence; empty if they do not."""
        if _is_above(self.probe_ms, self.budget_ms):
            return (
                f"the monitor's probe takes {self.probe_ms:.0f} ms through the node, budget {self.budget_ms:.0f} ms"
            )
        if _is_above(self.age_ms, self.max_age_ms):
            return f"frames reach the monitor {self.age_ms:.0f} ms old, limit {self.max_age_ms:.0f} ms"
        return ""


def _is_above(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value > limit


def condition_in(payload: bytes) -> Condition:
    """Read a condition that was told; anybody may have told it, so what is no plain number is left out.

    Raises:
        BadMessage: no JSON object.
    """
    try:
        told = load_json(payload)
    except ValueError as error:
        raise BadMessage("a condition that is no JSON, or far too much of it") from error
    if not isinstance(told, dict):
        raise BadMessage("a condition that is no object")
    values = {name: _number(told.get(name)) for name in asdict(Condition())}
    backlog = values.pop("backlog")
    return Condition(**values, backlog=None if backlog is None else int(backlog))


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= _LARGEST else None


def packet_with(condition: Condition) -> Packet:
    """Return what a monitor publishes to tell a condition."""
    payload = orjson.dumps(asdict(condition))
    return Packet(payload, width=0, height=0, captured_at_ns=time.time_ns(), source=SOURCE)


class Following:
    """Listens to what a monitor tells of a stream, as an async context manager; never raises on the way.

    Where that is not possible it is logged once, and the condition is not known.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic) -> None:
        self._endpoint, self._topic = endpoint, condition_topic(topic)
        self._told: Condition | None = None
        self._told_at_s = 0.0
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    @property
    def condition(self) -> Condition | None:
        """What was told last; None if nobody told anything lately."""
        return self._told if time.monotonic() - self._told_at_s < STALE_S else None

    async def _listen(self) -> None:
        try:
            # The name of its own lets several publishers of a topic listen.
            subscription = f"pulsar-cam-publisher-{secrets.token_hex(4)}"
            async with Consumer(self._endpoint, self._topic, subscription) as consumer:
                async for delivery in consumer:
                    await consumer.ack(delivery)
                    self._take(delivery.payload)
        except PulsarError as error:
            logger.warning("no monitor is followed: %s", error)

    def _take(self, payload: bytes) -> None:
        try:
            self._told, self._told_at_s = condition_in(payload), time.monotonic()
        except BadMessage as error:
            logger.info("not heeded: %s", error)
