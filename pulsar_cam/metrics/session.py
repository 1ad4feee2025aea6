"""What publisher and viewer have in common, as samples: the session, the picture, the event loop."""

from __future__ import annotations

from collections.abc import Iterator

from ..measure.sessions import LoopState, SessionState
from ..publishing.stats import PublishStats
from ..watching.stats import WatchStats
from . import families as f
from .family import Sample


def session_samples(session: SessionState | None, labels: tuple[str, str]) -> Iterator[Sample]:
    """Yield how the session with Pulsar is; all is 0 before there is one, so that rates are right from the start."""
    yield Sample(f.CONNECTED, labels, session.is_connected if session else 0)
    yield Sample(f.RECONNECTS, labels, session.reconnects if session else 0)
    yield Sample(f.RECOVERY, labels, (session and session.recovery_s) or 0)
    yield Sample(f.BAD_MESSAGES, labels, session.bad_messages if session else 0)
    if session and session.ping_s:
        yield Sample(f.ROUND_TRIP, labels, session.ping_s)


def picture_samples(stats: PublishStats | WatchStats, labels: tuple[str, str]) -> Iterator[Sample]:
    """Yield the rate, and size and quality of the newest frame as far as they are known."""
    yield Sample(f.FPS, labels, stats.fps)
    if stats.picture:
        yield Sample(f.WIDTH, labels, stats.picture.width)
        yield Sample(f.HEIGHT, labels, stats.picture.height)
    if stats.picture and stats.picture.quality:
        yield Sample(f.QUALITY, labels, stats.picture.quality)


def loop_samples(network: LoopState | None, labels: tuple[str, str]) -> Iterator[Sample]:
    """Yield what the event loop kept waiting."""
    yield Sample(f.BLOCKED, labels, network.longest_block_ms / 1000 if network else 0)
    yield Sample(f.LOOP_WORK, labels, network.longest_work_ms / 1000 if network else 0)
