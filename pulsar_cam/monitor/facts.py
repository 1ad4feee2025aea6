"""What one round of the monitor found out: plain values, which `judge` makes findings of."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import PulsarError
from ..health.reach import Reach
from ..pulsar.admin.topic_rules import TopicRules
from ..pulsar.topics import Topic
from .view import StreamView, TopicView


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """The answers of one round; where there is none, there is the reason.

    Attributes:
        version: such as ``4.0.8``.
        health: why the broker's check of itself failed; None if it passed, or was not asked for.
        idle_timeout_s: after which silence the node closes a session; None if it does not say.
        hangs: whether it accepts connections, and does not answer.
    """

    version: str | PulsarError
    health: PulsarError | None = None
    idle_timeout_s: float | None = None
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one kind of probe.

    Attributes:
        name: as in `ProbeView.name`.
        reason: why it is a problem; empty if it is none.
        has_failed: whether that is because one failed, not because some were slow.
        is_recovering: whether the last one was in time again.
    """

    name: str
    is_persistent: bool
    reason: str = ""
    has_failed: bool = False
    is_recovering: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What one round found out; where something is missing, there is the reason.

    Attributes:
        connect_ms: of a fresh session.
        kept: why the kept-open sessions are not open; None if they are; `unstored` likewise where nothing is stored.
        verdicts: of each kind of probe, those on kept sessions first and the small ones first.
        reconnects: how often one kept-open session, the worst, was opened again in the last minute.
        quiet_s: for how long the quiet session has been open; `quiet_status` says why it is not.
        survived_s: how long the last one lived that was lost recently; None if none was.
        growing: subscriptions with a consumer whose backlog grows all the time.
        rules: what holds for the topic, as far as it is known.
        received: why the stream cannot be received; None if it can, or was not tried.
    """

    topic_name: Topic
    node: NodeFacts
    connect_ms: float | PulsarError
    kept: PulsarError | None
    verdicts: tuple[Verdict, ...]
    topic: TopicView | PulsarError
    stream: StreamView = field(default_factory=StreamView)
    reconnects: int = 0
    quiet_s: float = 0.0
    quiet_status: str = "connected"
    survived_s: float | None = None
    growing: tuple[str, ...] = ()
    rules: TopicRules = field(default_factory=TopicRules)
    received: PulsarError | None = None
    unstored: PulsarError | None = None

    @property
    def reach(self) -> Reach:
        """What both APIs of the node answered."""
        return Reach(self.node.version, self.connect_ms)
