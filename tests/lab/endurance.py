"""Long runs: very many pictures, and all that a process has while they pass."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

from pulsar_cam.frame import Packet
from pulsar_cam.measure.sessions import LoopState
from pulsar_cam.runtime.background import Background

from .bombs import flat
from .memory import resident_mb

MOST_GROWTH_MB = 10.0
MOST_MORE_OBJECTS = 500
TINY = flat(16, 16)


class Flood:
    """Tiny pictures, as fast as they are taken."""

    name = "flood"
    damaged = 0
    blocked_s = 0.0
    can_wait = True

    def __init__(self, frames: int) -> None:
        self._numbers = iter(range(frames))

    def read(self) -> Packet | None:
        number = next(self._numbers, None)
        return None if number is None else Packet(TINY, 16, 16, time.time_ns(), self.name, sequence=number)

    def close(self) -> None:
        """There is nothing to let go of."""


@dataclass(frozen=True)
class Used:
    """What this process has."""

    memory_mb: float
    objects: int
    descriptors: int
    threads: int
    tasks: int

    @classmethod
    def now(cls, *networks: LoopState | None) -> Used:
        """Look, also at the tasks on the event loops of publisher and viewer."""
        gc.collect()
        loops = [network._loop for network in networks if isinstance(network, Background) and network._loop]
        return cls(
            resident_mb(),
            len(gc.get_objects()),
            psutil.Process().num_fds(),
            threading.active_count(),
            sum(len(asyncio.all_tasks(loop)) for loop in loops),
        )

    def is_like(self, before: Used) -> bool:
        """Whether it is no more than before, except for a request or a frame that is just under way."""
        return (
            self.memory_mb <= before.memory_mb + MOST_GROWTH_MB
            and self.objects <= before.objects + MOST_MORE_OBJECTS
            and self.descriptors <= before.descriptors + 2
            and self.threads <= before.threads + 1
            and self.tasks <= before.tasks + 3
        )
