"""All lanes of a monitor: probes on sessions that stay open, on fresh ones, and of what the node does not store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from ...errors import PulsarError
from ...measure.stages import Durations, Percentiles
from ...pulsar.endpoint import Endpoint
from ...pulsar.topics import Topic
from ..facts import Verdict
from ..plan import Plan
from ..view import ProbeView
from .lane import Lane
from .probe import Probe

_UNSTORED_BYTES = 1_000
_FRESH_BUDGETS = 2.0  # the first message of a session takes longer
_MOST_CONNECTS = 120


class Lanes:
    """The lanes in the order of their rounds; probes have topics beside the stream's.

    Attributes:
        kept, fresh: on sessions that stay open, and on those of one round.
        unstored: on kept sessions too; None if nothing of the stream is stored.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic, plan: Plan) -> None:
        is_stored, domain = topic.is_persistent, topic.domain

        def lane(topic: Topic, *probes: Probe, keeps_open: bool = True) -> Lane:
            return Lane(endpoint, topic, probes, keeps_open=keeps_open)

        kept = (Probe("kept", size, is_stored, plan.budget_ms) for size in plan.probe_sizes)
        unstored = Probe("kept", _UNSTORED_BYTES, False, plan.budget_ms)
        fresh = (Probe("fresh", size, is_stored, _FRESH_BUDGETS * plan.budget_ms) for size in plan.probe_sizes)
        self.kept = lane(beside(topic, "", domain), *kept)
        self.unstored = lane(beside(topic, "", "non-persistent"), unstored) if is_stored else None
        self.fresh = lane(beside(topic, "fresh", domain), *fresh, keeps_open=False)
        self._connects = Durations(_MOST_CONNECTS)

    def __iter__(self) -> Iterator[Lane]:
        yield from filter(None, (self.kept, self.unstored, self.fresh))

    @property
    def connect_ms(self) -> float | PulsarError:
        """How long the fresh sessions of the last round took to open, or why they did not."""
        return self.fresh.error or self.fresh.connect_ms or 0.0

    def note_connect(self) -> Percentiles:
        """Note how long the fresh sessions took, if they opened; return the percentiles of the last rounds."""
        if isinstance(connect_ms := self.connect_ms, float):
            self._connects.add(round(connect_ms * 1e6))
        return self._connects.percentiles_ms()

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The judgement on each kind of probe."""
        return tuple(_verdict(probe) for lane in self for probe in lane.probes)

    def views(self) -> tuple[ProbeView, ...]:
        """Return what is known of each kind of probe."""
        return tuple(probe.view() for lane in self for probe in lane.probes)

    async def close(self) -> None:
        """Close all sessions at once."""
        await asyncio.gather(*(lane.close() for lane in self))


def beside(topic: Topic, purpose: str, domain: str) -> Topic:
    """Return the topic of probes for a purpose, by its name beside that of the stream."""
    return replace(topic, domain=domain, name=f"{topic.name}-probe{purpose and '-'}{purpose}")


def _verdict(probe: Probe) -> Verdict:
    policy = probe.policy
    return Verdict(probe.view().name, probe.is_persistent, policy.reason, policy.has_failed, policy.is_recovering)
