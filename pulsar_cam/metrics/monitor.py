"""What a monitor sees, as samples."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest
from math import inf

from ..monitor.view import ProbeView, StreamView, SubscriptionView, TopicView, View
from ..pulsar.topics import Topic
from ..runtime.background import Background
from ..text import printable
from . import families as f
from .family import Readings, Sample

_STATES = ("ok", "warning", "problem", "skipped")
_MOST_SUBSCRIPTIONS = 20  # their names are for anybody to choose


class NewestView:
    """Keeps what a monitor saw last.

    Attributes:
        view: None before the first one.
        network: the thread of the monitor's event loop, once there is one.
    """

    def __init__(self) -> None:
        self.view: View | None = None
        self.network: Background | None = None

    def take(self, view: View) -> None:
        """Keep this one, instead of the one before."""
        self.view = view

    @property
    def unready(self) -> str:
        """What the monitor has a problem with, in a few words; empty if all is well, or no more than a warning."""
        if not self.view:
            return "the first probes are under way"
        return self.view.reason if self.view.state == "problem" else ""


def monitor_readings(newest: NewestView, topic: Topic) -> Readings:
    """Return what reads the metrics of a monitor, at any time and in any thread; nothing before its first view."""

    def read() -> Iterator[Sample]:
        if view := newest.view:
            yield from _samples(view, str(topic))

    return read


def _samples(view: View, topic: str) -> Iterator[Sample]:
    for finding in view.findings:
        for state in _STATES:
            yield Sample(f.STATE, (topic, finding.check, state), finding.state == state)
    yield Sample(f.VIEWED, (topic,), view.at_ns / 1e9)
    if view.connect_ms is not None:
        yield Sample(f.CONNECT, (topic,), view.connect_ms / 1000)
    yield Sample(f.IDLE, (topic,), view.idle_s)
    yield Sample(f.RECONNECTS, ("monitor", topic), view.reconnects)
    for probe in view.probes:
        yield from _probe(probe, topic)
    if view.topic:
        yield from _topic(view.topic, topic)
    yield from _stream(view.stream, topic)


def _probe(probe: ProbeView, topic: str) -> Iterator[Sample]:
    labels = (topic, probe.session, str(probe.payload_bytes), "yes" if probe.is_persistent else "no")
    if probe.receipt_ms is not None:
        yield Sample(f.PROBE_RECEIPT, labels, probe.receipt_ms / 1000)
    if probe.end_to_end_ms is not None:
        yield Sample(f.PROBE_END_TO_END, labels, probe.end_to_end_ms / 1000)
    yield Sample(f.PROBE_BUDGET, labels, probe.budget_ms / 1000)
    yield Sample(f.PROBES, labels, probe.sent)
    yield Sample(f.LOST_PROBES, labels, probe.lost)
    yield Sample(f.REFUSED_PROBES, labels, probe.refused)
    yield Sample(f.LATE_PROBES, labels, probe.late)
    yield Sample(f.REPEATED_PROBES, labels, probe.repeated)
    yield Sample(f.DISORDERED_PROBES, labels, probe.out_of_order)


def _topic(seen: TopicView, topic: str) -> Iterator[Sample]:
    labels = (topic,)
    yield Sample(f.PUBLISHERS, labels, seen.publishers)
    yield Sample(f.VIEWERS, labels, seen.consumers)
    yield Sample(f.TOPIC_IN, labels, seen.in_per_s)
    yield Sample(f.TOPIC_IN_BYTES, labels, seen.in_bytes_per_s)
    yield Sample(f.TOPIC_OUT, labels, seen.out_per_s)
    yield Sample(f.TOPIC_OUT_BYTES, labels, seen.out_bytes_per_s)
    yield Sample(f.STORAGE, labels, seen.storage_bytes)
    yield Sample(f.BACKLOG, labels, seen.backlog_bytes)
    yield Sample(f.BACKLOG_LIMIT, labels, inf if seen.backlog_limit_bytes is None else seen.backlog_limit_bytes)
    yield Sample(f.PARTITIONS, labels, seen.partitions)
    yield Sample(f.SUBSCRIPTIONS, labels, len(seen.subscriptions))
    for name, each in _largest(seen.subscriptions).items():
        yield Sample(f.SUBSCRIPTION_BACKLOG, (topic, name), each.backlog)
        yield Sample(f.SUBSCRIPTION_CONSUMERS, (topic, name), each.consumers)


def _largest(subscriptions: tuple[SubscriptionView, ...]) -> dict[str, SubscriptionView]:
    """Return those with the largest backlogs, by what is shown of their names, which are a stranger's."""
    largest = nlargest(_MOST_SUBSCRIPTIONS, subscriptions, key=lambda each: each.backlog)
    return {printable(each.name): each for each in largest}


def _stream(seen: StreamView, topic: str) -> Iterator[Sample]:
    labels = (topic,)
    yield Sample(f.STREAM_FPS, labels, seen.fps)
    yield Sample(f.STREAM_BYTES, labels, seen.bytes_per_s)
    for percentile, age_ms in seen.age_ms.items():
        if age_ms is not None:
            yield Sample(f.STREAM_AGE, (topic, percentile), age_ms / 1000)
    yield Sample(f.STREAM_SILENT, labels, seen.silent_s)
    yield Sample(f.RECEIVED, ("monitor", topic), seen.frames)
    yield Sample(f.MISSING, ("monitor", topic), seen.missing)
    yield Sample(f.REPEATED, ("monitor", topic), seen.repeated)
    yield Sample(f.NOTICE, ("monitor", topic), bool(seen.notice))
