"""The metrics of a command while it runs, if they are wanted."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ...pulsar.access.tls import is_loopback_host
from .console import errors
from .wording import with_options

if TYPE_CHECKING:
    from ...measure.sessions import LoopState
    from ...metrics.family import Readings

logger = logging.getLogger(__name__)

STUCK_AFTER_S = 5.0


class Observed(Protocol):
    """A run that can be asked how it is."""

    @property
    def network(self) -> LoopState | None:
        """The thread of the event loop, once there is one."""

    @property
    def unready(self) -> str:
        """Why it cannot do what it is for, in a few words; empty while it can."""


@contextmanager
def metrics(port: int | None, host: str, *observed: tuple[Observed, Readings]) -> Iterator[None]:
    """Serve metrics while the context is open; nothing if there is no port.

    Args:
        observed: the runs in this process, each with what reads its metrics.
    """
    if port is None:
        yield
        return
    from ...metrics.collector import registry_of
    from ...metrics.server import MetricsServer

    runs = [run for run, _ in observed]
    registry = registry_of(*(readings for _, readings in observed))
    with MetricsServer(host, port, registry, lambda: _dead(runs), lambda: _unready(runs)) as server:
        errors.print(f"metrics: {server.url}/metrics")
        if not is_loopback_host(host):
            logger.warning("everyone who reaches %s can read these metrics: there is no authentication", host)
        yield


def _dead(runs: Iterable[Observed]) -> str:
    stuck_s = max(run.network.blocked_s if run.network else 0.0 for run in runs)
    return f"the event loop has been stuck for {stuck_s:.0f} s" if stuck_s > STUCK_AFTER_S else ""


def _unready(runs: Iterable[Observed]) -> str:
    return with_options("; ".join(run.unready for run in runs if run.unready))
