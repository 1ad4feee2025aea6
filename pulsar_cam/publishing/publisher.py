"""Publishing the images of a program of one's own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from types import TracebackType
from typing import Self

from ..errors import ConnectionLost
from ..frame import Frame, Image
from ..pictures.jpeg import check_image
from ..pulsar.endpoint import DEFAULT_SERVICE_URL, Endpoint
from ..pulsar.sessions.producer import Producer
from ..pulsar.topics import Topic
from ..runtime.background import Background
from ..runtime.run import TICK_S
from .encoding import Encoding
from .intake import Intake
from .plan import PublishPlan
from .stats import PublishStats


def publisher(
    topic: Topic | str,
    endpoint: Endpoint | str = DEFAULT_SERVICE_URL,
    *,
    source: str = "python",
    plan: PublishPlan | None = None,
) -> Publisher:
    """Return a publisher of images, for a ``with`` or an ``async with`` block::

        with pulsar_cam.publisher("front-door") as camera:
            camera.send(image)

    It encodes, makes every message fit the node, lowers quality and rate while the link is too slow, counts what it
    drops, and opens the session again whenever it breaks.

    Args:
        topic: its name; short ones are completed to ``persistent://public/default/...``.
        endpoint: where Pulsar is: a service URL, or an `Endpoint` with a token or a CA.
        source: the name of the camera, which viewers see.
        plan: how to publish; with ``PublishPlan(every_frame=True)`` no image is left out: `Publisher.send` waits.

    Raises:
        InvalidOption: a value that cannot be.
    """
    where = Endpoint.of(endpoint) if isinstance(endpoint, str) else endpoint
    return Publisher(where, Topic.parse(topic) if isinstance(topic, str) else topic, plan or PublishPlan(), source)


class Publisher:
    """What `publisher` returns.

    Attributes:
        stats: the counters, as those of `publish`.
        name: of the source.
        trouble: always empty: a program that sends no image has its reasons.
    """

    trouble = ""

    def __init__(self, endpoint: Endpoint, topic: Topic, plan: PublishPlan, source: str) -> None:
        """Take what to do; nothing is connected yet.

        Raises:
            InvalidOption: what the plan wants cannot be.
        """
        plan.check(topic)
        self.name = source
        self.stats = PublishStats()
        self._endpoint = endpoint
        self._intake = Intake(self.stats, every_frame=plan.every_frame)
        self.stats.session = producer = Producer(endpoint, topic, resend=plan.every_frame)
        self._encoding = Encoding(endpoint, topic, plan, producer, self._intake, self.stats)
        self._begun = threading.Event()
        self._network: Background | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Open the session.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        self._open.enter_context(self.stats.accounted())
        self._network = self._open.enter_context(Background(self._run()))
        self.stats.network = self._network
        while self._network.is_running and not self._begun.wait(TICK_S):
            pass
        self._raise_if_ended()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the last receipts, unless something went wrong, and close the session.

        Raises:
            ConnectionLost: the node did not acknowledge the last images.
        """
        self._intake.close()
        with self._open:
            if error is None and not self._has_drained():
                unacknowledged = f"the last frames were not acknowledged within {self._encoding.patience_s:.0f} s"
                raise ConnectionLost(self._endpoint.ws_url, unacknowledged)

    async def __aenter__(self) -> AsyncPublisher:
        await asyncio.to_thread(self.__enter__)
        return AsyncPublisher(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def send(self, image: Image, captured_at_ns: int | None = None) -> None:
        """Hand over an image; it is encoded and sent while the program goes on.

        Args:
            image: ``uint8`` array of shape (height, width, 3), BGR; not to be written to again.
            captured_at_ns: when it was taken, Unix time in nanoseconds; None for now.

        Raises:
            EncodeError: the image is not one that can be a JPEG.
            PulsarError: the session ended for a reason that will not pass.
        """
        frame = Frame(
            check_image(image), captured_at_ns or time.time_ns(), sequence=self.stats.captured, source=self.name
        )
        self._raise_if_ended()
        self._intake.offer(frame)

    def begin(self) -> None:
        """Learn that the session is open."""
        self._begun.set()

    def end(self) -> None:
        """Learn that no more images are sent."""

    async def _run(self) -> None:
        try:
            await self._encoding.run(self)
        finally:
            self._intake.close()  # so that no program waits for room that never comes

    def _has_drained(self) -> bool:
        """Wait until all is sent and acknowledged, for as long as that may take; return whether it is."""
        ends_at_s = time.monotonic() + self._encoding.patience_s
        while self._network and self._network.is_running and time.monotonic() < ends_at_s:
            time.sleep(TICK_S)
        return not (self._network and self._network.is_running)

    def _raise_if_ended(self) -> None:
        if self._network is None or not self._network.is_running:
            self._open.close()  # which raises why
            raise ConnectionLost(self._endpoint.ws_url, "this publisher is not open; use it in a `with` block")


class AsyncPublisher:
    """What ``async with`` gives of a `Publisher`.

    Attributes:
        stats: the counters, as those of `publish`.
    """

    def __init__(self, publisher: Publisher) -> None:
        self.stats = publisher.stats
        self._publisher = publisher

    async def send(self, image: Image, captured_at_ns: int | None = None) -> None:
        """Hand over an image, as `Publisher.send` does; where it waits, the event loop goes on."""
        await asyncio.to_thread(self._publisher.send, image, captured_at_ns)
