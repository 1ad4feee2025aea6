"""What a publisher counts, as samples."""

from __future__ import annotations

from collections.abc import Iterator

from ..publishing.stats import PublishStats
from ..pulsar.topics import Topic
from . import families as f
from .family import Readings, Sample
from .run import frame_samples, run_samples


def publisher_readings(stats: PublishStats, topic: Topic) -> Readings:
    """Return what reads the metrics of a publisher, at any time and in any thread."""
    return lambda: _samples(stats, ("publisher", str(topic)))


def _samples(stats: PublishStats, labels: tuple[str, str]) -> Iterator[Sample]:
    came, done = (f.CAPTURED, lambda: stats.captured), (f.PUBLISHED, stats.published)
    yield from frame_samples(labels, came, done, stats.dropped)
    yield Sample(f.PUBLISHED_BYTES, labels, stats.published_bytes)
    yield Sample(f.CARDS, labels, stats.cards)
    yield from run_samples(stats, labels)
    yield Sample(f.AIM_QUALITY, labels, stats.aim.setting.quality)
    yield Sample(f.AIM_SCALE, labels, stats.aim.setting.scale)
    yield Sample(f.AIM_FPS, labels, stats.aim.setting.fps)
    yield Sample(f.CHANGES, labels, stats.aim.changes)
    yield from _camera(stats, labels)
    yield Sample(f.IN_FLIGHT, labels, stats.session.in_flight if stats.session else 0)
    if stats.session:
        yield Sample(f.WINDOW, labels, stats.session.window)


def _camera(stats: PublishStats, labels: tuple[str, str]) -> Iterator[Sample]:
    source = stats.source
    yield Sample(f.CAMERA_LOST, labels, bool(stats.trouble))
    yield Sample(f.CAMERA_LOSSES, labels, source.losses if source else 0)
    yield Sample(f.CAMERA_RECOVERY, labels, (source and source.recovery_s) or 0)
    yield Sample(f.DAMAGED, labels, source.damaged if source else 0)
