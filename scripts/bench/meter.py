"""What a viewer notes: when each frame was there, decoded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from pulsar_cam.pictures.opencv import cv2

from .gauge import Gauge, Mark
from .plan import Job

_MARK_NS = 200_000_000


class Meter:
    """The viewer's side of a round.

    Attributes:
        shown_at_ns: for each decoded frame, its capture time (or its number, see `shown`) and the time now.
        marks: gauge readings after the first frames, and shortly before the end; by then a socket may be closed.
        listening: to be called once the viewer can be sent to, with its port if it has one.
        finish: called when the round is over; ends the transport if it can, and returns what it counted.
    """

    def __init__(self, job: Job, gauge: Gauge, listening: Callable[[int], None]) -> None:
        self._job, self._gauge = job, gauge
        self.listening = listening
        self.shown_at_ns: list[tuple[int, int]] = []
        self.marks: list[Mark] = []
        self.finish: Callable[[], dict[str, Any]] = dict
        self._next_mark_ns = 0

    def decode(self, jpeg: bytes, captured_at_ns: int) -> None:
        """Decode a frame as everyone does, and note it."""
        if cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) is None:
            raise ValueError("a frame that is not a JPEG arrived")
        self.shown(captured_at_ns)

    def shown(self, captured_at_ns: int) -> None:
        """Note a frame that is decoded now; a transport that carries no time gives the frame's number."""
        now_ns = time.time_ns()
        self.shown_at_ns.append((captured_at_ns, now_ns))
        self._next_mark_ns = self._next_mark_ns or now_ns + int(self._job.settle_s * 1e9)
        if now_ns >= self._next_mark_ns:
            self._next_mark_ns = now_ns + _MARK_NS
            self.marks = [*self.marks[:1], self._gauge.read(len(self.shown_at_ns))]
        if self._job.viewer_delay_s:
            time.sleep(self._job.viewer_delay_s)
