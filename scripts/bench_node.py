"""Compare ways to run the Pulsar node: python scripts/bench_node.py [VARIANT ...] (needs the extra 'node').

Each variant is a node of its own. Only the one that is measured runs, the others are suspended, and the variants take
turns, so that whatever else the machine does meets all of them. What it prints, and what was learnt: docs/node.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil
import pybase64
from websockets.asyncio.client import ClientConnection, connect

from pulsar_cam.node import class_archive, folders, ports, process, ready, settings
from pulsar_cam.node.software import java
from pulsar_cam.node.software.distribution import pulsar_home, version_of
from pulsar_cam.node.state import NodeState

IN_FLIGHT = 4
JPEG_720P, JPEG_1080P = 116_000, 324_000  # bytes
TOPICS = ("non-persistent", "persistent")


@dataclass(frozen=True)
class Variant:
    """What differs from ``node start``: the memory options of Java, settings of Pulsar, the Java, the environment."""

    memory: tuple[str, ...] = settings.MEMORY
    settings: dict[str, str] = field(default_factory=dict)
    java: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    archive: bool = True


class Node:
    """One variant's node, in a folder of its own."""

    def __init__(self, name: str, variant: Variant, folder: Path) -> None:
        self.name, self.variant, self.folder = name, variant, folder / name
        found = java._probe(Path(variant.java)) if variant.java else java.find_java()
        assert found, f"{variant.java} does not run"
        self.java = found
        self.home = pulsar_home(folders.cache_folder(), lambda _arrived, _total: None)
        self.archive = class_archive.archive_of(folder, self.java, self.home)
        self.results: dict[str, list[float]] = {}
        self._gc_lines = 0

    def start(self) -> None:
        """Start it, and note how long that took and the memory it has then; the first start makes the archive."""
        if self.variant.archive and not self.archive.exists():
            self._start("first start s")
            class_archive.make_in_background(self.archive, self.java, self.home, self.folder)
            while not self.archive.exists():
                time.sleep(0.5)
            self.stop()
        self._start("start s")
        time.sleep(3)
        self.note("rest MB", self.process.memory_info().rss / 1e6)

    def _start(self, what: str) -> None:
        for name in ("tmp", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        http_port, broker_port = (next(ports.free_ports(ports.SERVICE_PORTS)) for _ in range(2))
        settings.write_settings(self.folder, self.home, http_port, broker_port)
        conf = self.folder / "standalone.conf"
        conf.write_text(settings.standalone_conf(conf.read_text(), self.variant.settings))
        archive = class_archive.options(self.archive) if self.variant.archive else []
        more = (*archive, "-Xlog:gc:file=logs/gc.log")
        port = next(ports.free_ports(ports.STORE_PORTS))
        command = settings.java_command(self.java, self.home, self.folder, port, more)
        command[1 : 1 + len(settings.MEMORY)] = self.variant.memory
        began = time.monotonic()
        with changed_environment(self.variant.environment):
            self.process = process.launch(command, self.folder)
        self.state = NodeState(self.process.pid, http_port, broker_port, version_of(self.home))
        ready.wait_until_ready(self.state, self._is_alive)
        self.note(what, time.monotonic() - began)

    def stop(self) -> None:
        """End it."""
        if hasattr(self, "process"):
            with suppress(psutil.Error):
                self.process.resume()
            process.end(self.process, 15)

    def note(self, what: str, value: float) -> None:
        self.results.setdefault(what, []).append(value)

    def measure(self, seconds: float) -> None:
        """Measure one round on both kinds of topics."""
        self._gc_pauses()
        for topic in TOPICS:
            kind = "np" if topic == "non-persistent" else "p"
            steady = asyncio.run(stream(self.state, topic, JPEG_720P, seconds * 2, fps=30))
            for what, values in (("receipt", steady.receipts), ("end", steady.ends)):
                cuts = statistics.quantiles(values, n=100)
                self.note(f"{kind} {what} p50 ms", cuts[49])
                self.note(f"{kind} {what} p99 ms", cuts[98])
            before = cpu_s(self.process)
            full = asyncio.run(stream(self.state, topic, JPEG_1080P, seconds))
            self.note(f"{kind} 1080p fps", full.fps)
            self.note(f"{kind} 1080p cpu ms", (cpu_s(self.process) - before) / len(full.ends) * 1e3)
        pauses = self._gc_pauses()
        self.note("gc max ms", max(pauses, default=0))
        self.note("gc sum ms", sum(pauses))
        self.note("load MB", self.process.memory_info().rss / 1e6)

    def _gc_pauses(self) -> list[float]:
        lines = (self.folder / "logs/gc.log").read_text().splitlines()
        new, self._gc_lines = lines[self._gc_lines :], len(lines)
        return [float(found[1]) for line in new if "Pause" in line and (found := re.search(r"([\d.]+)ms", line))]

    def _is_alive(self) -> bool:
        if not self.process.is_running() or self.process.status() == psutil.STATUS_ZOMBIE:
            raise process.death_report(self.folder)
        return ports.listens_on(self.process, self.state.http_port)


@contextmanager
def changed_environment(changes: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    yield
    os.environ.clear()
    os.environ.update(before)


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


@dataclass
class Stream:
    """What one stream saw: milliseconds from sending a frame to its receipt, and to its arrival at the consumer."""

    receipts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    fps: float = 0.0


async def stream(node: NodeState, topic: str, size: int, seconds: float, fps: float = 0) -> Stream:
    """Publish and consume random bytes for so long, at a rate or as fast as it goes, with 4 messages in flight."""
    result, sent_at = Stream(), {}
    payload = pybase64.b64encode(os.urandom(size)).decode()
    room = asyncio.Semaphore(IN_FLIGHT)
    path = f"{topic}/public/default/bench"

    async def receipts(producer: ClientConnection) -> None:
        async for text in producer:
            receipt = orjson.loads(text)
            assert receipt["result"] == "ok", receipt
            result.receipts.append((time.perf_counter() - sent_at[receipt["context"]]) * 1e3)
            room.release()

    async def deliveries(consumer: ClientConnection) -> None:
        async for text in consumer:
            arrived = time.perf_counter()
            message = orjson.loads(text)
            await consumer.send(orjson.dumps({"messageId": message["messageId"]}).decode())
            if (sent := sent_at.get(message["properties"]["sequence"])) is not None:
                result.ends.append((arrived - sent) * 1e3)

    queue = "receiverQueueSize=4&subscriptionMode=NonDurable"
    async with (
        connect(f"{node.ws_url}/ws/v2/consumer/{path}/viewer?{queue}", **SOCKET) as consumer,
        connect(f"{node.ws_url}/ws/v2/producer/{path}", **SOCKET) as producer,
    ):
        tasks = [asyncio.create_task(receipts(producer)), asyncio.create_task(deliveries(consumer))]
        began = time.perf_counter()
        number = 0
        while (now := time.perf_counter()) < began + seconds:
            if fps and now < (due := began + number / fps):
                await asyncio.sleep(due - now)
            await asyncio.wait_for(room.acquire(), 30)
            context = str(number)
            text = orjson.dumps({"payload": payload, "properties": {"sequence": context}, "context": context})
            sent_at[context] = time.perf_counter()
            await producer.send(text, text=True)
            number += 1
        result.fps = number / (time.perf_counter() - began)
        for _ in range(IN_FLIGHT):
            await asyncio.wait_for(room.acquire(), 30)
        await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        failed = [
            each for each in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(each, Exception)
        ]
        if failed:
            raise failed[0]
    return result


SOCKET = {"compression": None, "max_size": None, "proxy": None, "open_timeout": 30}

VARIANTS = {
    "pulsar": Variant(
        (
            "-XX:+UseZGC",
            "-XX:+ZGenerational",
            "-XX:+AlwaysPreTouch",
            "-Xms2g",
            "-Xmx2g",
            "-XX:MaxDirectMemorySize=4g",
        ),
        archive=False,
    ),
    "default": Variant(),
    "G1": Variant(("-XX:+UseG1GC", "-Xms64m", "-Xmx512m", "-XX:MaxDirectMemorySize=256m")),
    "no archive": Variant(archive=False),
}


def load_variants(file: str) -> dict[str, Variant]:
    """Read more variants: a JSON object of names, with the fields of Variant."""
    return {
        name: Variant(**{**fields, "memory": tuple(fields.get("memory", settings.MEMORY))})
        for name, fields in json.loads(Path(file).read_text()).items()
    }


def run(nodes: list[Node], rounds: int, seconds: float, warm_up_s: float) -> None:
    for node in nodes:
        node.start()
        for topic in TOPICS:
            asyncio.run(stream(node.state, topic, JPEG_1080P, warm_up_s))
            asyncio.run(stream(node.state, topic, JPEG_720P, warm_up_s / 2, fps=30))
        node.process.suspend()
        print(node.name, "is warm", {k: round(v[0], 1) for k, v in node.results.items()}, flush=True)
    for number in range(rounds):
        turn = number * 2 % len(nodes)
        for node in nodes[turn:] + nodes[:turn]:
            node.process.resume()
            time.sleep(1)
            node.measure(seconds)
            node.process.suspend()
        print("round", number + 1, "of", rounds, flush=True)


def table(nodes: list[Node]) -> str:
    """Return the medians, and beside each its ratio to the first variant's."""
    medians = {
        node.name: {what: statistics.median(values) for what, values in node.results.items()} for node in nodes
    }
    rows = [["", *medians]]
    for what, base in medians[nodes[0].name].items():
        cells = (medians[name].get(what, 0) for name in medians)
        rows.append([what, *(f"{cell:.1f} ({cell / base:.2f})" if base else f"{cell:.1f}" for cell in cells)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--more", help="a JSON file of more variants")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--warm-up", type=float, default=12)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    known = VARIANTS | (load_variants(chosen.more) if chosen.more else {})
    with tempfile.TemporaryDirectory(prefix="bench-node-") as folder:
        nodes = [Node(name, known[name], Path(folder)) for name in chosen.variants]
        try:
            run(nodes, chosen.rounds, chosen.seconds, chosen.warm_up)
        finally:
            for node in nodes:
                node.stop()
    print(table(nodes))
    if chosen.json:
        chosen.json.write_text(json.dumps({node.name: node.results for node in nodes}, indent=1))


if __name__ == "__main__":
    main()
