"""The two processes of a round, from the inside.

A child says `ready` when all is imported and loaded, waits for the order to go, and answers with a `result` or an
`error`. A viewer says `listening` in between, and gives its result when it is asked to stop. A thread of its own does
that, and ends the process, so that what blocks inside a transport's library cannot hold it up.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

from .plan import Job

Message = tuple[str, Any]


class Line:
    """A child's line to its parent."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def say(self, kind: str, content: Any = None) -> None:
        """Send a message."""
        with self._lock:
            self._connection.send((kind, content))

    def hear(self) -> Any:
        """Wait for the parent's next word; without a parent there is nothing left to do."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            os._exit(1)

    def end_with(self, kind: str, content: Any) -> None:
        """Say the last word, and end the process whatever else goes on in it."""
        self.say(kind, content)
        os._exit(0)


def publisher(job: Job, connection: Connection) -> None:
    """Publish what the camera gives until its time is over."""

    def run(line: Line) -> None:
        from .frames import Camera
        from .gauge import Gauge
        from .transports import TRANSPORTS

        transport = TRANSPORTS[job.transport]
        publish = transport.load(transport.publish)
        camera = Camera(job, Gauge(), encoded=transport.encoded)
        line.say("ready")
        port = line.hear()
        threading.Thread(target=line.hear, daemon=True).start()  # ends the process if the parent is gone
        counted = publish(camera, job, port) or {}
        camera.end()
        line.end_with(
            "result",
            {
                "started_at_ns": camera.started_at_ns,
                "ended_at_ns": camera.ended_at_ns,
                "given": camera.given,
                "missed": camera.missed,
                "marks": [asdict(mark) for mark in camera.marks],
                "counted": counted,
            },
        )

    _run(run, connection)


def viewer(job: Job, connection: Connection) -> None:
    """Show what arrives until asked to stop."""

    def run(line: Line) -> None:
        from .gauge import Gauge
        from .meter import Meter
        from .transports import TRANSPORTS

        transport = TRANSPORTS[job.transport]
        watch = transport.load("watch")
        meter = Meter(job, Gauge(), functools.partial(line.say, "listening"))
        line.say("ready")
        line.hear()
        threading.Thread(target=_stop_when_told, args=(line, meter), daemon=True).start()
        watch(meter, job)
        threading.Event().wait()  # until the thread has given the result

    def _stop_when_told(line: Line, meter: Any) -> None:
        line.hear()
        shown_at_ns = list(meter.shown_at_ns)
        marks = [asdict(mark) for mark in meter.marks]
        line.end_with("result", {"shown_at_ns": shown_at_ns, "marks": marks, "counted": meter.finish()})

    _run(run, connection)


def _run(run: Callable[[Line], None], connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its children
    line = Line(connection)
    try:
        run(line)
    except Exception:
        line.end_with("error", traceback.format_exc(limit=-3))
