"""What a publisher counts, as samples."""

from __future__ import annotations

from collections.abc import Iterator

from ..publishing.stats import PublishStats
from ..pulsar.topics import Topic
from . import families as f
from .family import Histogram, Readings, Sample
from .session import loop_samples, picture_samples, session_samples


def publisher_readings(stats: PublishStats, topic: Topic) -> Readings:
    """Return what reads the metrics of a publisher, at any time and in any thread."""
    return lambda: _samples(stats, ("publisher", str(topic)))


def _samples(stats: PublishStats, labels: tuple[str, str]) -> Iterator[Sample]:
    yield from _frames(stats, labels)
    yield Sample(f.PUBLISHED_BYTES, labels, stats.published_bytes)
    yield Sample(f.CARDS, labels, stats.cards)
    for stage, durations in stats.stages:
        yield Sample(f.STAGES, (*labels, stage), Histogram(durations.cumulative, durations.total_s))
    yield from picture_samples(stats, labels)
    yield Sample(f.AIM_QUALITY, labels, stats.aim.setting.quality)
    yield Sample(f.AIM_SCALE, labels, stats.aim.setting.scale)
    yield Sample(f.AIM_FPS, labels, stats.aim.setting.fps)
    yield Sample(f.CHANGES, labels, stats.aim.changes)
    yield from _camera(stats, labels)
    yield from session_samples(stats.session, labels)
    yield Sample(f.IN_FLIGHT, labels, stats.session.in_flight if stats.session else 0)
    if stats.session:
        yield Sample(f.WINDOW, labels, stats.session.window)
    yield from loop_samples(stats.network, labels)


def _frames(stats: PublishStats, labels: tuple[str, str]) -> Iterator[Sample]:
    # Captured is read last: what was published or dropped by then was captured before.
    published, dropped = stats.published, stats.dropped.so_far
    captured = stats.captured
    yield Sample(f.CAPTURED, labels, captured)
    yield Sample(f.PUBLISHED, labels, published)
    for reason, count in dropped.items():
        yield Sample(f.DROPPED, (*labels, reason), count)
    yield Sample(f.UNDER_WAY, labels, captured - published - sum(dropped.values()))


def _camera(stats: PublishStats, labels: tuple[str, str]) -> Iterator[Sample]:
    source = stats.source
    yield Sample(f.CAMERA_LOST, labels, bool(stats.trouble))
    yield Sample(f.CAMERA_LOSSES, labels, source.losses if source else 0)
    yield Sample(f.CAMERA_RECOVERY, labels, (source and source.recovery_s) or 0)
    yield Sample(f.DAMAGED, labels, source.damaged if source else 0)
