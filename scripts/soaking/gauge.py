"""What a soak uses: memory, descriptors and threads of this process; memory and disk of the node."""

from __future__ import annotations

import contextlib
import gc
import statistics
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import psutil  # type: ignore[import-untyped]

from pulsar_cam.node.folders import disk_bytes
from tests.lab.mortal import MortalNode

_DISK_EVERY = 10
_OBJECTS_EVERY = 30


class Reading(TypedDict):
    """One look at all of it."""

    memory_mb: float
    descriptors: int
    threads: int


class Gauge:
    """Reads once a second in a thread of its own, as a context manager.

    Attributes:
        readings: of this process.
        objects: how many objects the garbage collector knew in it, twice a minute.
        node_mb: the most memory that the node had, in MB of 10^6 bytes.
        disk_mb: the most that its folder took on disk.
    """

    def __init__(self, node: MortalNode, folder: Path) -> None:
        self.readings: list[Reading] = []
        self.objects: list[int] = []
        self.node_mb = self.disk_mb = 0.0
        self._node, self._folder = node, folder
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gauge", daemon=True)

    def __enter__(self) -> Gauge:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ends.wait(1.0):
            self.readings.append(read())
            with contextlib.suppress(psutil.Error):  # the node is down
                self.node_mb = max(self.node_mb, self._node.process.memory_info().rss / 1e6)
            if len(self.readings) % _DISK_EVERY == 0:
                self.disk_mb = max(self.disk_mb, disk_bytes(self._folder) / 1e6)
            if len(self.readings) % _OBJECTS_EVERY == 0:
                gc.collect()
                self.objects.append(len(gc.get_objects()))


def read() -> Reading:
    """Look at this process."""
    me = psutil.Process()
    descriptors = me.num_fds() if hasattr(me, "num_fds") else me.num_handles()
    return Reading(memory_mb=me.memory_info().rss / 1e6, descriptors=descriptors, threads=me.num_threads())


def growth(values: Sequence[float]) -> float:
    """Return by how much the median of the last third is above that of the second third; the first one warms up."""
    third = len(values) // 3
    if not third:
        return 0.0
    return statistics.median(values[2 * third :]) - statistics.median(values[third : 2 * third])
