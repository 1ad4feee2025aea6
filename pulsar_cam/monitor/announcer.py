"""Announces to the publishers of a stream what they cannot see: how its frames fare behind the node."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..pulsar.endpoint import Endpoint
from ..pulsar.messages.condition import Condition, condition_topic, packet_with
from ..pulsar.sessions.producer import Producer
from ..pulsar.topics import Topic
from ..runtime.kept_open import KeptOpen
from . import sessions
from .judge import MOST_AGE_MS
from .view import ProbeView, View

_TYPICAL_FRAME_BYTES = 120_000


class Announcer:
    """Sends the newest condition to the publishers that listen, for as long as `run` does."""

    def __init__(self, endpoint: Endpoint, topic: Topic) -> None:
        self._endpoint, self.topic = endpoint, condition_topic(topic)
        self._newest = Condition()
        self._last: View | None = None
        self._is_new = asyncio.Event()

    def announce(self, view: View) -> None:
        """Have the condition in a view sent, instead of one that was not sent yet."""
        self._newest, self._last = condition_of(view, self._last), view
        self._is_new.set()

    async def run(self) -> None:
        """Send, for ever."""
        await KeptOpen(lambda: Producer(self._endpoint, self.topic, log=sessions.log), self._send_all).run()

    async def _send_all(self, producer: Producer) -> None:
        while True:
            await self._is_new.wait()
            await producer.room()
            self._is_new.clear()
            await producer.send(packet_with(self._newest))


def condition_of(view: View, before: View | None) -> Condition:
    """Return the condition in a view; of a probe that is late once only, the time of the round before counts."""
    probe, earlier = _probe(view), _probe(before) if before else None
    return Condition(
        probe_ms=_least(probe.end_to_end_ms, earlier.end_to_end_ms if earlier else None) if probe else None,
        budget_ms=probe.budget_ms if probe else None,
        age_ms=view.stream.age_ms["p50"],
        max_age_ms=MOST_AGE_MS,
        backlog=_backlog(view),
    )


def _probe(view: View) -> ProbeView | None:
    """Return the probe that is most like the stream's frames."""
    kept = [probe for probe in view.probes if probe.session == "kept" and probe.end_to_end_ms is not None]
    return _most_like(kept, _frame_bytes(view)) if kept else None


def _frame_bytes(view: View) -> float:
    return view.stream.bytes_per_s / view.stream.fps if view.stream.fps else _TYPICAL_FRAME_BYTES


def _most_like(probes: Sequence[ProbeView], frame_bytes: float) -> ProbeView:
    return min(probes, key=lambda probe: abs(probe.payload_bytes - frame_bytes))


def _least(now_ms: float | None, before_ms: float | None) -> float | None:
    return now_ms if now_ms is None or before_ms is None else min(now_ms, before_ms)


def _backlog(view: View) -> int | None:
    connected = [each.backlog for each in view.topic.subscriptions if each.consumers] if view.topic else []
    return min(connected, default=None)
