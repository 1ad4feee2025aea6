"""100,000 frames through all that remembers frames, in both directions: only the network is left out.

A real node takes minutes for that; tests/real/test_resources.py has some thousands go through one.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
from collections.abc import Callable, Iterator

import orjson
import pytest

from pulsar_cam.publishing import encoding
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.admin.admin import Limits
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions import connection
from pulsar_cam.pulsar.sessions.cut import Cut
from pulsar_cam.pulsar.target import Target
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.watching import every_frame
from pulsar_cam.watching.stats import WatchStats

from .lab import runs
from .lab.endurance import TINY, Flood, Used
from .lab.memory import needs_linux

FRAMES = 100_000
TOPIC = Topic.parse("cam")
pytestmark = [needs_linux, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _one_core() -> Iterator[None]:
    """Threads that wait for each other at every frame take a third less time where they share a core."""
    before = os.sched_getaffinity(0)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.sched_setaffinity(0, {sorted(before)[worker % len(before)]})
    yield
    os.sched_setaffinity(0, before)


class Peer:
    """The node's end of a session, without a network between: it answers what it is sent."""

    def __init__(self, answer: Callable[[str | bytes], bytes], first: int) -> None:
        """Take what is answered to a text, and how many answers come before any text."""
        self.cut = Cut()
        self._answer = answer
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        for _ in range(first):
            self._answers.put_nowait(answer("{}"))

    async def send(self, message: str | bytes, **_: object) -> None:
        self._answers.put_nowait(self._answer(message))

    async def recv(self, **_: object) -> bytes:
        await asyncio.sleep(0)
        return await self._answers.get()

    async def ping(self) -> asyncio.Future[float]:
        pong = asyncio.get_running_loop().create_future()
        pong.set_result(0.001)
        return pong

    async def close(self) -> None:
        """There is nothing to close."""


def receipt(message: str | bytes) -> bytes:
    return orjson.dumps({"result": "ok", "messageId": "CAAQ", "context": orjson.loads(message)["context"]})


def deliveries() -> Iterator[bytes]:
    """Yield frames as Pulsar sends them, one for each ack."""
    payload = base64.b64encode(TINY).decode()
    for number in itertools.count():
        properties = {"session": "one", "source": "flood", "sequence": str(number)}
        message = {"messageId": f"CA{number}", "payload": payload, "properties": properties}
        yield orjson.dumps(message | {"publishTime": "2026-01-02T03:04:05Z"})


class Looks:
    """What the process had after a quarter of the frames, and what it has near the end."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count, self._due = count, [FRAMES * 95 // 100, FRAMES // 4]
        self.seen: list[Used] = []

    def __call__(self) -> None:
        if self._due and self._count() >= self._due[-1]:
            self._due.pop()
            self.seen.append(Used.now())


def connect_to(peer_of: Callable[[], Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have sessions opened with such a peer."""

    async def opened(_target: Target, _endpoint: Endpoint) -> Peer:
        return peer_of()

    monkeypatch.setattr(connection, "connect", opened)


def test_a_publisher_of_100_000_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "node_limits", limits)
    monkeypatch.setattr(encoding, "_deduplicate", limits)
    connect_to(lambda: Peer(receipt, 0), monkeypatch)
    stats = PublishStats()
    looks = Looks(lambda: stats.captured)
    runs.publish(lambda: Flood(FRAMES), Endpoint.of(), TOPIC, every_frame=True, stats=stats, on_tick=looks)
    assert stats.published == stats.captured == FRAMES
    first, last = looks.seen
    assert last.is_like(first), looks.seen


async def limits(*_: object) -> Limits:
    return Limits()


def test_a_viewer_of_100_000_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every_frame, "PAUSE_S", 0.0)  # it is most of the time that this takes
    messages = deliveries()
    connect_to(lambda: Peer(lambda _: next(messages), 4), monkeypatch)
    stats = WatchStats()
    looks = Looks(lambda: stats.received)
    runs.watch(Endpoint.of(), TOPIC, "viewer1", every_frame=True, frames=FRAMES, stats=stats, on_tick=looks)
    assert stats.received == stats.shown == FRAMES
    assert stats.gaps.missing == stats.gaps.repeated == 0
    first, last = looks.seen
    assert last.is_like(first), looks.seen
