"""The faults of a soak. Each function does its fault, and returns when it is lifted, with a word about its extent."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from websockets.sync.client import connect

from pulsar_cam.frame import Packet
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.producer import Producer
from tests.lab.bombs import Bomb, bombs
from tests.lab.link import Link
from tests.lab.mortal import MortalNode
from tests.lab.streams import call, endpoint_of

from .streams import LIVE, Streams

BURIED_AFTER_S = 10.0
NARROW_BYTES_PER_S = 200_000.0
BOMBS_AT_ONCE = 6
ABSURD = {
    "session": "\x1b[2J\x1b]0;gone\x07" * 50,
    "source": "\u202e" + "x" * 5000,
    "sequence": "9" * 400,
    "captured-at-ns": "-1",
    "round-trip-ns": "NaN",
    "quality": "101",
    "notice": "\r\n\0<script>",
}


@dataclass
class Scene:
    """What faults are done to."""

    node: MortalNode
    links: Mapping[str, Link]
    streams: Streams
    random: random.Random
    bombs: list[Bomb] = field(default_factory=lambda: list(bombs().values()))

    @property
    def endpoint(self) -> Endpoint:
        """The node, not through a link."""
        return endpoint_of(self.node.state)

    def some_links(self) -> dict[str, Link]:
        """Return one link, or all."""
        name = self.random.choice([*self.links, "all"])
        return dict(self.links) if name == "all" else {name: self.links[name]}

    def wait(self, least_s: float, most_s: float) -> None:
        """Let a random time pass."""
        time.sleep(self.random.uniform(least_s, most_s))


def node_killed(scene: Scene) -> str:
    """End the node as a power cut does, and start it again."""
    scene.node.kill()
    scene.wait(0, 3)
    scene.node.start()
    return ""


def node_restarted(scene: Scene) -> str:
    """Stop the node in good order, and start it again."""
    scene.node.stop()
    scene.wait(0, 3)
    scene.node.start()
    return ""


def node_held(scene: Scene) -> str:
    """Hold the node's process for less than the pings are patient."""
    return _hold(scene, scene.random.uniform(3, 12))


def node_held_long(scene: Scene) -> str:
    """Hold the node's process for longer than the pings are patient."""
    return _hold(scene, 25)


def _hold(scene: Scene, seconds: float) -> str:
    scene.node.process.suspend()
    time.sleep(seconds)
    scene.node.process.resume()
    return f"{seconds:.0f} s"


def links_cut(scene: Scene) -> str:
    """Break connections, and refuse new ones for a while."""
    links = scene.some_links()
    for link in links.values():
        link.cut()
    scene.wait(0, 8)
    for link in links.values():
        link.mend()
    return ", ".join(links)


def links_frozen(scene: Scene) -> str:
    """Hold every byte for less than the pings are patient."""
    return _freeze(scene, 5)


def links_frozen_long(scene: Scene) -> str:
    """Hold every byte for longer than the pings are patient."""
    return _freeze(scene, 25)


def _freeze(scene: Scene, seconds: float) -> str:
    links = scene.some_links()
    for link in links.values():
        link.freeze()
    time.sleep(seconds)
    for link in links.values():
        link.thaw()
    return ", ".join(links)


def links_abandoned(scene: Scene) -> str:
    """Break connections silently: the node holds their names until they are buried later."""
    links = scene.some_links()
    for link in links.values():
        link.abandon()
        threading.Timer(BURIED_AFTER_S, link.bury).start()
    return ", ".join(links)


def links_narrow(scene: Scene) -> str:
    """Let only a fraction of the pictures' bytes through."""
    links = scene.some_links()
    for link in links.values():
        link.bytes_per_s = NARROW_BYTES_PER_S
    time.sleep(10)
    for link in links.values():
        link.bytes_per_s = None
    return ", ".join(links)


def answers_held(scene: Scene) -> str:
    """Let frames and acks arrive whose answers do not, and then break the connections."""
    links = scene.some_links()
    for link in links.values():
        link.hold_answers()
    scene.wait(0.5, 3)
    for link in links.values():
        link.cut()
        link.thaw()
        link.mend()
    return ", ".join(links)


def topic_unloaded(scene: Scene) -> str:
    """Have the node close the topic, as when it moves to another broker."""
    call(scene.endpoint, "PUT", f"/{LIVE.path}/unload")
    return ""


def camera_lost(scene: Scene) -> str:
    """Unplug the camera for a while."""
    scene.streams.socket.is_plugged = False
    scene.wait(2, 10)
    scene.streams.socket.is_plugged = True
    return ""


def camera_blocks(scene: Scene) -> str:
    """Let the camera's driver block for longer than the publisher is patient."""
    scene.streams.socket.answers.clear()
    scene.wait(7, 12)
    scene.streams.socket.answers.set()
    return ""


def hostile_messages(scene: Scene) -> str:
    """Publish image bombs, and pictures with absurd properties."""
    chosen = scene.random.sample(scene.bombs, BOMBS_AT_ONCE)
    asyncio.run(_publish(scene.endpoint, [Packet(bomb.jpeg, 1, 1, time.time_ns(), "bomb") for bomb in chosen]))
    many = {f"property {number}": "x" for number in range(2000)}
    url = scene.endpoint.producer_url(LIVE)
    with connect(url, proxy=None, compression=None) as session:
        for properties in (ABSURD, many):
            session.send(json.dumps({"payload": "/9j/", "properties": properties, "context": "hostile"}))
            session.recv(10)
    return ""


async def _publish(endpoint: Endpoint, packets: list[Packet]) -> None:
    async with Producer(endpoint, LIVE) as producer:
        for packet in packets:
            await asyncio.wait_for(await producer.send(packet), 30)


def audience_slow(scene: Scene) -> str:
    """Let one who watches look away, or look at each frame for long."""
    audience = scene.random.choice(scene.streams.audiences)
    pauses = scene.random.random() < 0.5
    audience.is_paused, audience.takes_s = pauses, 0.0 if pauses else 0.5
    time.sleep(10)
    audience.is_paused, audience.takes_s = False, 0.0
    return "paused" if pauses else "0.5 s a frame"


FAULTS: dict[str, Callable[[Scene], str]] = {
    "node killed and started": node_killed,
    "node stopped and started": node_restarted,
    "node held 3 to 12 s": node_held,
    "node held 25 s": node_held_long,
    "links cut": links_cut,
    "links frozen 5 s": links_frozen,
    "links frozen 25 s": links_frozen_long,
    "links abandoned": links_abandoned,
    "links narrow": links_narrow,
    "answers held, then cut": answers_held,
    "topic unloaded": topic_unloaded,
    "camera lost": camera_lost,
    "camera blocks": camera_blocks,
    "hostile messages": hostile_messages,
    "viewer slow or paused": audience_slow,
}
