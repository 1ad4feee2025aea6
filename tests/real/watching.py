"""Publishers and viewers that run in a thread while a test does something to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pulsar_cam.frame import Captured, Frame, Packet
from pulsar_cam.node import NodeState
from pulsar_cam.pictures.jpeg import encode
from pulsar_cam.publishing.plan import Adapt
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sinks.viewer import Viewer
from pulsar_cam.sources.pattern import PatternSource, read_pattern
from pulsar_cam.sources.source import Source
from pulsar_cam.watching.stats import WatchStats

from ..lab import runs
from ..lab.link import Link
from ..lab.streams import endpoint_of
from ..lab.xvfb import wait_until


def address_of(where: Link | NodeState | Endpoint) -> Endpoint:
    if isinstance(where, Endpoint):
        return where
    return where.endpoint if isinstance(where, Link) else endpoint_of(where)


def pattern() -> Source:
    return PatternSource((320, 240), 30)


@dataclass
class Recorder(Viewer):
    """A viewer that remembers the number of every frame it is shown, how old it was, and whose it was."""

    numbers: list[int] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    sessions: list[str | None] = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def show(self, frame: Frame, info: object = list, packet: Packet | None = None) -> None:
        mark = read_pattern(frame.image)
        assert mark
        self.numbers.append(mark.number)
        self.sessions.append(packet.session if packet else None)
        self.sizes.add((frame.width, frame.height))
        self.ages_ms.append((time.time_ns() - frame.captured_at_ns) / 1e6)


class Film(PatternSource):
    """Some test cards, and then the end."""

    def __init__(self, frames: int) -> None:
        super().__init__((320, 240), 30)
        self._frames = frames

    def read(self) -> Frame | None:
        frame = super().read()
        return frame if frame and frame.sequence is not None and frame.sequence < self._frames else None


class Changing(PatternSource):
    """Test cards of a new size every five frames, also as packets."""

    SIZES = ((640, 480), (320, 240), (480, 640), (1280, 720))

    def __init__(self, keeps_jpeg: bool) -> None:
        super().__init__(self.SIZES[0], 30)
        self._keeps_jpeg = keeps_jpeg
        self._artists = [PatternSource(size, 240) for size in self.SIZES]

    def read(self) -> Captured | None:  # type: ignore[override]
        frame = super().read()
        if frame is None or frame.sequence is None:
            return None
        artist = self._artists[frame.sequence // 5 % len(self._artists)]
        frame = replace(frame, image=artist.draw(frame.sequence, frame.captured_at_ns))
        return encode(frame, 80) if self._keeps_jpeg else frame


def _endpoint_of(link: Link | NodeState | Endpoint) -> Endpoint:
    if isinstance(link, Link):
        return link.endpoint
    return link if isinstance(link, Endpoint) else endpoint_of(link)


class Watching:
    """A viewer in a thread, subscribed from the start of the context; its counters are complete at the end."""

    def __init__(self, link: Link | NodeState | Endpoint, topic: Topic, **options: object) -> None:
        self.stats, self.viewer, self._stop = WatchStats(), Recorder(), threading.Event()
        endpoint = _endpoint_of(link)
        self._thread = threading.Thread(
            target=runs.watch,
            args=(endpoint, topic),
            kwargs={
                "subscription": "viewer1",
                "viewer": self.viewer,
                "stats": self.stats,
                "stop": self._stop,
                **options,
            },
        )

    def __enter__(self) -> Watching:
        self._thread.start()
        wait_until(lambda: self.stats.has_begun, "subscription")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert self.stats.received == self.stats.shown + self.stats.dropped.total()

    def has_received(self, count: int) -> bool:
        return self.stats.received >= count

    def receives_more(self, count: int) -> None:
        target = self.stats.received + count
        wait_until(lambda: self.has_received(target), f"{count} more messages")


class Publishing:
    """A publisher in a thread; its counters are complete at the end.

    By default it keeps quality and size, whatever the machine does: what is too small cannot be read.
    """

    def __init__(
        self,
        link: Link | NodeState | Endpoint,
        topic: Topic,
        source: Callable[[], Source] = pattern,
        **options: object,
    ) -> None:
        self.stats, self._stop = PublishStats(), threading.Event()
        endpoint = _endpoint_of(link)
        self._thread = threading.Thread(
            target=runs.publish,
            args=(source, endpoint, topic),
            kwargs={"stats": self.stats, "stop": self._stop, "adapt": Adapt.OFF, **options},
        )

    def __enter__(self) -> PublishStats:
        self._thread.start()
        return self.stats

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert self.stats.captured == self.stats.published + self.stats.dropped.total()
