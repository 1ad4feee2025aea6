"""The condition of a stream behind its node, which a monitor sees and a publisher cannot.

It is published as JSON with the names of `Condition` to the non-persistent topic of the stream's name and
``-condition``: a publisher that is away at the time has no use for it later.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace

import orjson

from ...errors import BadMessage
from ...frame import Packet
from ...text import load_json, number
from ..topics import Topic

SOURCE = "pulsar-cam-monitor"
_LARGEST = 1e9
_REMEDY = "check what else publishes to the monitor's topic"


def condition_topic(topic: Topic) -> Topic:
    """Return where the condition of a stream is published."""
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
    """Read a condition; any client may have published it, so what is not a plain number is left out.

    Raises:
        BadMessage: no JSON object.
    """
    try:
        told = load_json(payload)
    except ValueError as error:
        raise BadMessage("a condition that is not JSON, or far too much of it", _REMEDY) from error
    if not isinstance(told, dict):
        raise BadMessage("a condition that is not an object", _REMEDY)
    values = {name: number(told.get(name), _LARGEST) for name in asdict(Condition())}
    backlog = values.pop("backlog")
    return Condition(**values, backlog=None if backlog is None else int(backlog))


def packet_with(condition: Condition) -> Packet:
    """Return the packet in which a monitor publishes a condition."""
    payload = orjson.dumps(asdict(condition))
    return Packet(payload, width=0, height=0, captured_at_ns=time.time_ns(), source=SOURCE)
