"""What the monitor saw in one interval: plain values that a table, a JSON line, a metric and a hook are made from."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..health.finding import Finding, State
from ..measure.stages import Percentiles
from ..text import size_text, utc_text

if TYPE_CHECKING:
    from ..pulsar.admin.topic_policy import TopicPolicy

Session: TypeAlias = Literal["kept", "fresh"]
NO_PERCENTILES: Percentiles = {"p50": None, "p95": None, "p99": None}


@dataclass(frozen=True, slots=True)
class ProbeView:
    """Messages of one size to ourselves, through one kind of session.

    Attributes:
        session: ``kept`` stays open all the time, ``fresh`` is opened for each probe.
        payload_bytes: what each carries.
        is_persistent: whether the node stores them.
        budget_ms: what each may take from end to end.
        receipt_ms: from sending to the node's receipt, of the last probe; None if there was none in time.
        end_to_end_ms: from sending to its delivery to us, of the last probe; None if it did not come in time.
        receipts_ms: p50, p95 and p99 of the last probes.
        ends_to_ends_ms: the same from end to end.
        sent: probes since the start.
        lost: those that did not come in time, though the node had confirmed them.
        refused: those that the node did not confirm in time, or refused.
        late: those of the lost and the refused that came after all.
        repeated: those that came more than once.
        out_of_order: those that came after a later one.
    """

    session: Session
    payload_bytes: int
    is_persistent: bool
    budget_ms: float = 250.0
    receipt_ms: float | None = None
    end_to_end_ms: float | None = None
    receipts_ms: Percentiles = field(default_factory=NO_PERCENTILES.copy)
    ends_to_ends_ms: Percentiles = field(default_factory=NO_PERCENTILES.copy)
    sent: int = 0
    lost: int = 0
    refused: int = 0
    late: int = 0
    repeated: int = 0
    out_of_order: int = 0

    @property
    def name(self) -> str:
        """Its name for a person, such as ``kept 50 kB``, or ``kept 1 kB, not stored``."""
        return f"{self.session} {size_text(self.payload_bytes)}" + ("" if self.is_persistent else ", not stored")


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """One subscription of the stream's topic.

    Attributes:
        backlog: messages that it has not acknowledged.
    """

    name: str
    is_durable: bool
    consumers: int
    backlog: int
    out_per_s: float


@dataclass(frozen=True, slots=True)
class TopicView:
    """The broker's statistics of the stream's topic, without our own sessions.

    Attributes:
        in_per_s: messages published in a second; `in_bytes_per_s` likewise.
        storage_bytes: what it takes on the node's disk.
        backlog_bytes: the largest backlog of its subscriptions.
        backlog_limit_bytes: the quota of that; None for no limit.
    """

    publishers: int
    in_per_s: float
    in_bytes_per_s: float
    out_per_s: float
    out_bytes_per_s: float
    storage_bytes: int
    backlog_bytes: int
    backlog_limit_bytes: int | None
    partitions: int
    subscriptions: tuple[SubscriptionView, ...] = ()

    @property
    def consumers(self) -> int:
        """How many watch."""
        return sum(each.consumers for each in self.subscriptions)


@dataclass(frozen=True, slots=True)
class StreamView:
    """The frames of the real stream, as a viewer that decodes nothing receives them.

    Attributes:
        fps: frames that came in a second.
        bytes_per_s: their JPEGs.
        age_ms: how old they were when they came: p50, p95 and p99 of the last interval.
        picture: their size and quality, such as ``1280x720 q80``; empty before the first.
        missing: numbers that never came since the start: drops of the publisher.
        notice: why the publisher has no picture, in its words.
        silent_s: for how long none has come, in seconds.
    """

    fps: float = 0.0
    bytes_per_s: float = 0.0
    age_ms: Percentiles = field(default_factory=NO_PERCENTILES.copy)
    picture: str = ""
    frames: int = 0
    missing: int = 0
    repeated: int = 0
    notice: str = ""
    silent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Advice:
    """One change.

    Attributes:
        says: why, and what to change.
        policy: what can safely be applied to the topic; None if a person has to decide.
        undo: the command that takes that back.
    """

    says: str
    policy: TopicPolicy | None = None
    undo: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the monitor saw in one interval.

    Attributes:
        findings: one for each part that was looked at, in a fixed order; the parts are ``node``, ``connect``,
            ``sessions``, ``probes``, ``storage``, ``topic`` and ``stream``.
        connect_ms: how long a fresh session took to open; None if it did not.
        idle_s: for how long the session that sends nothing but pings has been open.
        reconnects: how often kept-open sessions had to be opened again since the start.
        topic: None if the admin API did not say.
        advice: what to change on the topic or the node, the most important first.
        at_ns: when, Unix time in nanoseconds.
    """

    findings: tuple[Finding, ...]
    probes: tuple[ProbeView, ...] = ()
    connect_ms: float | None = None
    connects_ms: Percentiles = field(default_factory=NO_PERCENTILES.copy)
    idle_s: float = 0.0
    reconnects: int = 0
    topic: TopicView | None = None
    stream: StreamView = field(default_factory=StreamView)
    advice: tuple[Advice, ...] = ()
    at_ns: int = field(default_factory=time.time_ns)

    @property
    def worst(self) -> Finding | None:
        """The finding that matters most; None if all is well."""
        for state in ("problem", "warning"):
            for finding in self.findings:
                if finding.state == state:
                    return finding
        return None

    @property
    def state(self) -> State:
        """``problem``, ``warning`` or ``ok``."""
        return self.worst.state if self.worst else "ok"

    @property
    def reason(self) -> str:
        """The part that fails and why, such as ``node: connection refused``; empty if all is well."""
        return f"{self.worst.check}: {self.worst.says}" if self.worst else ""

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, where an absent value is null."""
        return {"at": utc_text(self.at_ns), "state": self.state, "reason": self.reason, **_plain(self)}


def _plain(view: View) -> dict[str, Any]:
    values = asdict(view)
    del values["at_ns"]
    return values
