"""This project: `publish` and `watch`, as the command line calls them."""

from __future__ import annotations

import threading
from typing import Any

from pulsar_cam.frame import Captured, Frame, Packet
from pulsar_cam.publishing import publish as publishing
from pulsar_cam.publishing.plan import Adapt, PublishPlan
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sinks.viewer import Viewer
from pulsar_cam.watching import watch as watching
from pulsar_cam.watching.plan import WatchPlan
from pulsar_cam.watching.stats import WatchStats

from ..frames import Camera
from ..meter import Meter
from ..plan import QUALITY, Job

_STOP_S = 5.0


class BenchSource:
    """The camera as a Source; its frames are packets if it gives JPEGs."""

    name = "bench"
    damaged = 0
    blocked_s = 0.0
    can_wait = False

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    def read(self) -> Captured | None:
        """Wait for the next frame."""
        shot = self._camera.read()
        if not shot or not shot.jpeg:
            return shot and Frame(shot.image, shot.captured_at_ns, shot.number, self.name)
        height, width = shot.image.shape[:2]
        return Packet(shot.jpeg, width, height, shot.captured_at_ns, self.name, sequence=shot.number, quality=QUALITY)

    def close(self) -> None:
        """Nothing to let go of."""


class MeteringViewer(Viewer):
    """A viewer without a window that notes each frame."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def show(self, frame: Frame, *_rest: Any, **_more: Any) -> None:
        """Note a frame, which is decoded now."""
        self._meter.shown(frame.captured_at_ns)


def publish(camera: Camera, job: Job, port: int) -> dict[str, Any]:
    """Publish frames, and return what became of them."""
    endpoint, topic = Endpoint.of(job.service_url), Topic.parse(job.topic)
    # A worse picture would be faster: quality is the same for all.
    plan = PublishPlan(adapt=Adapt.OFF)
    return publishing.publish(lambda: BenchSource(camera), endpoint, topic, plan).as_dict()


def watch(meter: Meter, job: Job) -> None:
    """Watch until the meter says that it is enough."""
    stats, stop, ended, told = WatchStats(), threading.Event(), threading.Event(), threading.Event()

    def finish() -> dict[str, Any]:
        stop.set()
        ended.wait(_STOP_S)
        return stats.as_dict()

    def tell_once() -> None:
        if stats.has_begun and not told.is_set():
            told.set()
            meter.listening(0)

    meter.finish = finish
    endpoint, topic, viewer = Endpoint.of(job.service_url), Topic.parse(job.topic), MeteringViewer(meter)
    plan = WatchPlan(subscription="viewer")
    watching.watch(endpoint, topic, plan, sink=viewer, stop=stop, stats=stats, on_tick=tell_once)
    ended.set()
