"""What runs during a soak: a live camera with a viewer and an auditor, and a film of which every frame counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pulsar_cam.errors import SourceStopped, SourceUnreadable
from pulsar_cam.frame import Frame, Packet
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.wire import Receipt
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sinks.viewer import Viewer
from pulsar_cam.sources.pattern import PatternSource
from pulsar_cam.watching.stats import WatchStats
from tests.lab import runs
from tests.lab.xvfb import wait_until

from .numbers import Numbers

LIVE, FILM = Topic.parse("soak-live"), Topic.parse("soak-film")
LINKS = ("camera", "viewer", "auditor", "film", "film viewer")
ENDS_WITHIN_S = 60.0
DRAINED_WITHIN_S = 180.0


class Receipts(PublishStats):
    """Counters of a publisher, with the number of every frame that was acknowledged."""

    def __init__(self) -> None:
        super().__init__(on_receipt=self._note)
        self.acknowledged = Numbers()

    def _note(self, packet: Packet, receipt: Receipt) -> None:
        if receipt.accepted and packet.sequence is not None:
            self.acknowledged.add(packet.sequence)


class Audience(Viewer):
    """A viewer that remembers the numbers of the frames that it was shown.

    Attributes:
        numbers: of the frames of its publisher.
        is_in_order: whether no number was smaller than one before it.
        showings: how many frames it was shown, strangers' included.
        newest_ns: when the newest of them was captured, Unix time in nanoseconds.
        takes_s: how long it looks at each frame.
    """

    def __init__(self, publisher: PublishStats) -> None:
        super().__init__()
        self.numbers = Numbers()
        self.is_in_order = True
        self.showings = self.newest_ns = 0
        self.takes_s = 0.0
        self._publisher, self._last = publisher, -1

    def show(self, frame: Frame, info: object = list, packet: Packet | None = None) -> None:
        """Note a frame."""
        time.sleep(self.takes_s)
        self.showings += 1
        session = self._publisher.session
        if packet and session and packet.session == session.session and packet.sequence is not None:
            self.newest_ns = max(self.newest_ns, packet.captured_at_ns)
            self.numbers.add(packet.sequence)
            self.is_in_order &= packet.sequence > self._last
            self._last = packet.sequence


class Camera:
    """Test cards at 30 fps, from what can be unplugged and can block, as `socket` says."""

    name = "soak-camera"
    damaged = 0

    def __init__(self, socket: Socket) -> None:
        self._socket, self._cards = socket, PatternSource((640, 480), 30)
        self._called_at_s: float | None = None

    @property
    def blocked_s(self) -> float:
        """For how long a read has not returned, in seconds."""
        called_at_s = self._called_at_s
        return time.monotonic() - called_at_s if called_at_s else 0.0

    def read(self) -> Frame | None:
        """Give the next test card."""
        if not self._socket.is_plugged:
            raise SourceStopped(self.name, "unplugged", "plug it in")
        self._called_at_s = time.monotonic()
        self._socket.answers.wait()
        self._called_at_s = None
        return self._cards.read()

    def close(self) -> None:
        """End the stream."""
        self._cards.close()


class Socket:
    """Where the camera is plugged in.

    Attributes:
        is_plugged: whether there is a camera.
        answers: cleared while its driver blocks.
    """

    def __init__(self) -> None:
        self.is_plugged = True
        self.answers = threading.Event()
        self.answers.set()

    def open(self) -> Camera:
        """Open the camera."""
        if not self.is_plugged:
            raise SourceUnreadable(Camera.name, "unplugged", "plug it in")
        return Camera(self)


class Film(PatternSource):
    """Test cards at 10 fps until the end is wanted."""

    def __init__(self) -> None:
        super().__init__((320, 240), 10)
        self.ends = threading.Event()

    def read(self) -> Frame | None:
        """Give the next test card."""
        return None if self.ends.is_set() else super().read()


class Run(threading.Thread):
    """A publisher or a viewer in a thread, with what it failed with."""

    def __init__(self, name: str, work: Callable[..., object], *args: Any, **options: Any) -> None:
        super().__init__(name=name, daemon=True)
        self.problem = ""
        self.stop = threading.Event()
        self._work: Callable[[], object] = lambda: work(*args, **options, stop=self.stop)

    def run(self) -> None:
        """Do the work, and note that it failed."""
        try:
            self._work()
        except Exception as error:
            self.problem = f"{self.name} failed: {type(error).__name__}: {error}"


class Streams:
    """All publishers and viewers, each behind a link of its own."""

    def __init__(self, at: Mapping[str, Endpoint]) -> None:
        """Take where the node is, for each of LINKS."""
        self.socket, self.film_source = Socket(), Film()
        self.live, self.film = Receipts(), Receipts()
        self.viewer, self.auditor, self.film_viewer = (Audience(self.live), Audience(self.live), Audience(self.film))
        self.watched = {name: WatchStats() for name in ("viewer", "auditor", "film viewer")}

        def watching(name: str, topic: Topic, audience: Audience, **options: bool) -> Run:
            where = (at[name], topic, name.replace(" ", "-"))
            return Run(name, runs.watch, *where, viewer=audience, stats=self.watched[name], **options)

        self.viewers = [
            watching("viewer", LIVE, self.viewer),
            watching("auditor", LIVE, self.auditor, every_frame=True),
            watching("film viewer", FILM, self.film_viewer, every_frame=True),
        ]
        self.publishers = [
            Run("camera", runs.publish, self.socket.open, at["camera"], LIVE, stats=self.live),
            Run("film", runs.publish, self._open_film, at["film"], FILM, every_frame=True, stats=self.film),
        ]

    def _open_film(self) -> Film:
        return self.film_source

    @property
    def runs(self) -> list[Run]:
        """All of them."""
        return self.publishers + self.viewers

    @property
    def audiences(self) -> list[Audience]:
        """Who watches."""
        return [self.viewer, self.auditor, self.film_viewer]

    def start(self) -> None:
        """Start all, the viewers first: nothing is published before they are subscribed."""
        for viewer in self.viewers:
            viewer.start()
        wait_until(lambda: all(stats.has_begun for stats in self.watched.values()), "subscriptions", 60)
        for publisher in self.publishers:
            publisher.start()
        wait_until(lambda: all(audience.showings > 30 for audience in self.audiences), "pictures", 60)

    def end(self) -> list[str]:
        """End the publishers, and the viewers when they have seen all; return what failed, or did not end in time."""
        self.publishers[0].stop.set()
        self.film_source.ends.set()
        late = _join(self.publishers)
        until_s = time.monotonic() + DRAINED_WITHIN_S
        while time.monotonic() < until_s and any(self.unseen()):
            time.sleep(0.1)
        time.sleep(1.0)  # for the last acks
        for run in self.runs:
            run.stop.set()
        return late + _join(self.viewers) + [run.problem for run in self.runs if run.problem]

    def unseen(self) -> tuple[list[int], list[int]]:
        """Return the acknowledged frames of camera and film that the auditor and the film's viewer were not shown."""
        return (
            self.live.acknowledged.without(self.auditor.numbers),
            self.film.acknowledged.without(self.film_viewer.numbers),
        )


def _join(runs: list[Run]) -> list[str]:
    until_s = time.monotonic() + ENDS_WITHIN_S
    for run in runs:
        run.join(max(0.0, until_s - time.monotonic()))
    return [f"{run.name} did not end within {ENDS_WITHIN_S:g} s" for run in runs if run.is_alive()]
