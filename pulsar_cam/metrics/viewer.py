"""What a viewer counts, as samples."""

from __future__ import annotations

from collections.abc import Iterator

from ..pulsar.topics import Topic
from ..watching.stats import WatchStats
from . import families as f
from .family import Histogram, Readings, Sample
from .run import frame_samples, run_samples


def viewer_readings(stats: WatchStats, topic: Topic) -> Readings:
    """Return what reads the metrics of a viewer, at any time and in any thread."""
    return lambda: _samples(stats, ("viewer", str(topic)))


def _samples(stats: WatchStats, labels: tuple[str, str]) -> Iterator[Sample]:
    came, done = (f.RECEIVED, lambda: stats.received), (f.SHOWN, stats.shown)
    yield from frame_samples(labels, came, done, stats.dropped)
    yield Sample(f.RECEIVED_BYTES, labels, stats.received_bytes)
    yield Sample(f.AGE, labels, Histogram(stats.ages.shown.cumulative, stats.ages.shown.total_s))
    yield from run_samples(stats, labels)
    yield Sample(f.MAX_AGE, labels, stats.ages.limit_ms / 1000)
    yield Sample(f.NOTICE, labels, bool(str(stats.notice)))
    yield Sample(f.JUMPS, labels, stats.session.jumps if stats.session else 0)
    yield Sample(f.MISSING, labels, stats.gaps.missing)
    yield Sample(f.REPEATED, labels, stats.gaps.repeated)
    yield Sample(f.CLOCK_OFFSET, labels, stats.ages.clock.offset_ns / 1e9)
    if (uncertainty_ms := stats.ages.clock.uncertainty_ms) is not None:
        yield Sample(f.CLOCK_UNCERTAINTY, labels, uncertainty_ms / 1000)
    if stats.session:
        yield Sample(f.WINDOW, labels, stats.session.receiver_queue)
