"""What a run does before there is a node to talk to."""

from __future__ import annotations

import threading

from pulsar_cam.errors import SourceUnreadable
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sinks.viewer import Viewer
from pulsar_cam.sources.source import Source

from ..lab import runs


def test_the_preview_can_be_closed_while_the_source_is_still_being_opened() -> None:
    class ClosedByUser(Viewer):
        def poll(self) -> None:
            self.wants_quit = True

    closed = threading.Event()

    def open_slowly() -> Source:
        closed.wait(5)
        raise SourceUnreadable("camera", "it took too long", "try again")

    try:
        stats = runs.publish(
            open_slowly, Endpoint.of("http://127.0.0.1:9"), Topic.parse("cam"), preview=ClosedByUser()
        )
    finally:
        closed.set()
    assert stats.captured == 0
