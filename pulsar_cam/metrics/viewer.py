"""What a viewer counts, as samples."""

from __future__ import annotations

from collections.abc import Iterator

from ..pulsar.topics import Topic
from ..watching.stats import WatchStats
from . import families as f
from .family import Histogram, Readings, Sample
from .session import loop_samples, picture_samples, session_samples


def viewer_readings(stats: WatchStats, topic: Topic) -> Readings:
    """Return what reads the metrics of a viewer, at any time and in any thread."""
    return lambda: _samples(stats, ("viewer", str(topic)))


def _samples(stats: WatchStats, labels: tuple[str, str]) -> Iterator[Sample]:
    yield from _frames(stats, labels)
    yield Sample(f.RECEIVED_BYTES, labels, stats.received_bytes)
    yield Sample(f.AGE, labels, Histogram(stats.ages.shown.cumulative, stats.ages.shown.total_s))
    for stage, durations in stats.stages:
        yield Sample(f.STAGES, (*labels, stage), Histogram(durations.cumulative, durations.total_s))
    yield from picture_samples(stats, labels)
    yield Sample(f.MAX_AGE, labels, stats.ages.limit_ms / 1000)
    yield Sample(f.NOTICE, labels, bool(str(stats.notice)))
    yield Sample(f.JUMPS, labels, stats.session.jumps if stats.session else 0)
    yield Sample(f.MISSING, labels, stats.gaps.missing)
    yield Sample(f.REPEATED, labels, stats.gaps.repeated)
    yield Sample(f.CLOCK_OFFSET, labels, stats.ages.clock.offset_ns / 1e9)
    if (uncertainty_ms := stats.ages.clock.uncertainty_ms) is not None:
        yield Sample(f.CLOCK_UNCERTAINTY, labels, uncertainty_ms / 1000)
    yield from session_samples(stats.session, labels)
    if stats.session:
        yield Sample(f.WINDOW, labels, stats.session.receiver_queue)
    yield from loop_samples(stats.network, labels)


def _frames(stats: WatchStats, labels: tuple[str, str]) -> Iterator[Sample]:
    # Received is read last: what was shown or dropped by then arrived before.
    shown, dropped = stats.shown, stats.dropped.so_far
    received = stats.received
    yield Sample(f.RECEIVED, labels, received)
    yield Sample(f.SHOWN, labels, shown)
    for reason, count in dropped.items():
        yield Sample(f.DROPPED, (*labels, reason), count)
    yield Sample(f.UNDER_WAY, labels, received - shown - sum(dropped.values()))
