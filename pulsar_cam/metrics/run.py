"""What publisher and viewer have in common, as samples: what became of the frames, session, picture, event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..measure.counters import Drops
from ..measure.sessions import LoopState, SessionState
from ..publishing.stats import PublishStats
from ..watching.stats import WatchStats
from . import families as f
from .family import Family, Histogram, Sample


def frame_samples(
    labels: tuple[str, str], came: tuple[Family, Callable[[], int]], done: tuple[Family, int], drops: Drops
) -> Iterator[Sample]:
    """Yield what became of the frames. How many came is read last: those that are done by then came before."""
    dropped = drops.so_far
    count = came[1]()
    yield Sample(came[0], labels, count)
    yield Sample(done[0], labels, done[1])
    for reason, dropped_for_it in dropped.items():
        yield Sample(f.DROPPED, (*labels, reason), dropped_for_it)
    yield Sample(f.UNDER_WAY, labels, count - done[1] - sum(dropped.values()))


def run_samples(stats: PublishStats | WatchStats, labels: tuple[str, str]) -> Iterator[Sample]:
    """Yield the stages of the frames, the newest picture, the session and the event loop."""
    for stage, durations in stats.stages:
        yield Sample(f.STAGES, (*labels, stage), Histogram(durations.cumulative, durations.total_s))
    yield Sample(f.FPS, labels, stats.fps)
    if stats.picture:
        yield Sample(f.WIDTH, labels, stats.picture.width)
        yield Sample(f.HEIGHT, labels, stats.picture.height)
    if stats.picture and stats.picture.quality:
        yield Sample(f.QUALITY, labels, stats.picture.quality)
    yield from _session(stats.session, labels)
    yield from _loop(stats.network, labels)


def _session(session: SessionState | None, labels: tuple[str, str]) -> Iterator[Sample]:
    """Yield how the session with Pulsar is; all is 0 before there is one, so that rates are right from the start."""
    yield Sample(f.CONNECTED, labels, session.is_connected if session else 0)
    yield Sample(f.STALLED, labels, session.is_stalled if session else 0)
    yield Sample(f.RECONNECTS, labels, session.reconnects if session else 0)
    yield Sample(f.RECOVERY, labels, (session and session.recovery_s) or 0)
    yield Sample(f.BAD_MESSAGES, labels, session.bad_messages if session else 0)
    if session and session.ping_s:
        yield Sample(f.ROUND_TRIP, labels, session.ping_s)


def _loop(network: LoopState | None, labels: tuple[str, str]) -> Iterator[Sample]:
    """Yield for how long the event loop kept everything on it waiting."""
    yield Sample(f.BLOCKED, labels, network.longest_block_ms / 1000 if network else 0)
    yield Sample(f.LOOP_WORK, labels, network.longest_work_ms / 1000 if network else 0)
