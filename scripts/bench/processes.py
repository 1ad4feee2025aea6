"""A round: a viewer and a publisher, each in a process of its own, which ends with the round whatever happens."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

import psutil  # type: ignore[import-untyped]

from . import child
from .child import Message
from .plan import Job

_START_S, _LISTEN_S, _SPARE_S, _STOP_S = 60.0, 30.0, 30.0, 10.0
_LAST_FRAMES_S = 0.2
_SAMPLE_S = 0.5


class RoundFailed(Exception):
    """A round that gave no result, and why."""


@dataclass
class Round:
    """What both sides report about one round; the dictionaries are made in `child`."""

    job: Job
    published: dict[str, Any]
    watched: dict[str, Any]
    connect_s: float
    first_go_ns: int
    memory: list[tuple[float, int, int]] = field(default_factory=list)


def context() -> BaseContext:
    """Return how processes are made: from one that has the heavy imports already, where the system can do that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(
        ["scripts.bench.frames", "scripts.bench.meter", "pulsar_cam.publishing.publish", "pulsar_cam.watching.watch"]
    )
    return made


class Child:
    """One process of a round."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self._process, self._connection = process, connection
        self._name = process.name

    def tell(self, content: Any) -> None:
        """Send a word to the process."""
        with contextlib.suppress(OSError):  # it is gone: the one that waits for its answer will say so
            self._connection.send(content)

    def expect(self, kind: str, timeout_s: float, while_waiting: Callable[[], None] = lambda: None) -> Any:
        """Return what the process says under this kind.

        Raises:
            RoundFailed: it says something else, ends, or says nothing for so long.
        """
        ends_at_s = time.monotonic() + timeout_s
        while not self._connection.poll(_SAMPLE_S):
            while_waiting()
            if time.monotonic() > ends_at_s:
                raise RoundFailed(f"the {self._name} gave no {kind} within {timeout_s:.0f} s")
        try:
            message: Message = self._connection.recv()
        except (EOFError, OSError) as error:
            raise RoundFailed(f"the {self._name} ended before its {kind}") from error
        if message[0] != kind:
            raise RoundFailed(f"the {self._name} failed: {message[1]}")
        return message[1]

    def memory_bytes(self) -> int:
        """Return its resident memory; 0 when it is gone."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0


@contextlib.contextmanager
def running(target: Callable[[Job, Connection], None], job: Job) -> Iterator[Child]:
    """Run one side of a job; its process is gone when the context is left."""
    made = context()
    ours, theirs = made.Pipe()
    process = made.Process(target=target, args=(job, theirs), name=target.__name__, daemon=True)  # type: ignore[attr-defined]
    process.start()
    theirs.close()
    try:
        yield Child(process, ours)
    finally:
        ours.close()
        process.terminate()
        process.join(2)
        if process.is_alive():
            process.kill()
            process.join(2)


def run_round(job: Job) -> Round:
    """Run one job.

    Raises:
        RoundFailed: one of its processes failed or did not answer in time.
    """
    memory: list[tuple[float, int, int]] = []
    with running(child.viewer, job) as viewer, running(child.publisher, job) as publisher:
        viewer.expect("ready", _START_S)
        publisher.expect("ready", _START_S)
        go_s = time.monotonic()
        viewer.tell("go")
        port = viewer.expect("listening", _LISTEN_S)
        connect_s, first_go_ns = time.monotonic() - go_s, time.time_ns()
        publisher.tell(port)

        def sample() -> None:
            since_s = (time.time_ns() - first_go_ns) / 1e9
            memory.append((since_s, publisher.memory_bytes(), viewer.memory_bytes()))

        published = publisher.expect("result", job.seconds + _SPARE_S, sample)
        time.sleep(_LAST_FRAMES_S + job.viewer_delay_s)
        viewer.tell("stop")
        watched = viewer.expect("result", _STOP_S)
    return Round(job, published, watched, connect_s, first_go_ns, memory)
