"""Do the monitor's probes measure the truth? .venv/bin/python -m scripts.bench_probe [--rounds 200]

Sends the same payloads through the same node, in turns: as the monitor's probes on kept-open WebSocket sessions, with
a plain WebSocket client that has no line of this project, and with the native Pulsar client (its binary protocol,
batching off, read through a reader). All topics are persistent. Prints how long each took to its receipt and from end
to end, and the probes' ratios to the others; docs/monitoring.md explains the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import threading
import time
from collections import defaultdict, deque
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import pulsar
from websockets.sync.client import connect

from pulsar_cam.monitor.plan import Plan
from pulsar_cam.monitor.probes.lane import Lane
from pulsar_cam.monitor.probes.probe import Probe
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic

from .bench.node import Addresses, own_node

WARM_UP = 20
PATIENCE_S = 10.0
_SESSION = "persistent/public/default/bench-plain"


@dataclass
class Times:
    """Milliseconds by payload size, to the receipt and from end to end."""

    receipts: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    ends_to_ends: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, size: int, receipt_ms: float, end_to_end_ms: float) -> None:
        """Note one message."""
        self.receipts[size].append(receipt_ms)
        self.ends_to_ends[size].append(end_to_end_ms)


class Plain:
    """Pulsar's WebSocket API as its documentation has it, one message after another, in blocking calls."""

    def __init__(self, ws_url: str) -> None:
        consumer_url = f"{ws_url}/ws/v2/consumer/{_SESSION}/reader?subscriptionMode=NonDurable&receiverQueueSize=4"
        self._open = ExitStack()
        self._consumer = self._open.enter_context(connect(consumer_url, compression=None, max_size=None))
        self._producer = self._open.enter_context(connect(f"{ws_url}/ws/v2/producer/{_SESSION}", compression=None))

    def send(self, size: int) -> tuple[float, float]:
        """Return how long the receipt and the arrival of one message took, in milliseconds."""
        payload = os.urandom(size)
        sent_ns = time.monotonic_ns()
        self._producer.send(json.dumps({"payload": base64.b64encode(payload).decode()}))
        assert json.loads(self._producer.recv(PATIENCE_S))["result"] == "ok"
        receipt_ns = time.monotonic_ns()
        message = json.loads(self._consumer.recv(PATIENCE_S))
        assert base64.b64decode(message["payload"]) == payload
        arrived_ns = time.monotonic_ns()
        self._consumer.send(json.dumps({"messageId": message["messageId"]}))
        return (receipt_ns - sent_ns) / 1e6, (arrived_ns - sent_ns) / 1e6

    def close(self) -> None:
        """End its connections."""
        self._open.close()


class Native:
    """The native client, one message after another."""

    def __init__(self, broker_url: str, topic: str) -> None:
        self._client = pulsar.Client(broker_url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
        self._reader = self._client.create_reader(topic, pulsar.MessageId.latest)
        self._producer = self._client.create_producer(topic, batching_enabled=False)

    def send(self, size: int) -> tuple[float, float]:
        """Return how long the receipt and the arrival of one message took, in milliseconds."""
        payload, has_receipt, receipt_ns = os.urandom(size), threading.Event(), 0

        def confirmed(result: object, message_id: object) -> None:
            nonlocal receipt_ns
            receipt_ns = time.monotonic_ns()
            has_receipt.set()

        sent_ns = time.monotonic_ns()
        self._producer.send_async(payload, confirmed)
        self._reader.read_next(round(PATIENCE_S * 1000))
        arrived_ns = time.monotonic_ns()
        has_receipt.wait(PATIENCE_S)
        return (receipt_ns - sent_ns) / 1e6, (arrived_ns - sent_ns) / 1e6

    def close(self) -> None:
        """End its connections."""
        self._client.close()


async def measure(node: Addresses, sizes: tuple[int, ...], rounds: int, interval_s: float) -> dict[str, Times]:
    """Send in turns; who begins changes from round to round."""
    probes = [Probe("kept", size, True, budget_ms=PATIENCE_S * 1000) for size in sizes]
    endpoint = Endpoint.of(node.service_url)
    lane = Lane(endpoint, Topic.parse("bench-probe"), probes, keeps_open=True)
    others: dict[str, Plain | Native] = {
        "plain": await asyncio.to_thread(Plain, endpoint.ws_url),
        "native": await asyncio.to_thread(Native, node.broker_url, "persistent://public/default/bench-native"),
    }
    turns = deque(["probe", *others])
    times = {name: Times() for name in turns}
    for number in range(WARM_UP + rounds):
        for name in turns:
            into = times[name] if number >= WARM_UP else Times()
            await (_send(others[name], sizes, into) if name in others else _probe(lane, probes, into))
        turns.rotate()
        await asyncio.sleep(interval_s)
    await lane.close()
    for other in others.values():
        await asyncio.to_thread(other.close)
    return times


async def _probe(lane: Lane, probes: list[Probe], times: Times) -> None:
    await lane.round(PATIENCE_S)
    if lane.error:
        raise lane.error
    for probe in probes:
        view = probe.view()
        if view.receipt_ms is not None and view.end_to_end_ms is not None:
            times.add(probe.payload_bytes, view.receipt_ms, view.end_to_end_ms)


async def _send(client: Plain | Native, sizes: tuple[int, ...], times: Times) -> None:
    for size in sizes:
        times.add(size, *await asyncio.to_thread(client.send, size))


def row(size: int, what: str, columns: list[list[float]]) -> str:
    """Return one line of the table: p50 and p95 of each in milliseconds, and the probes' divided by the others'."""
    found = [np.percentile(values, (50, 95)) for values in columns]
    cells = [f"{middle:.1f} / {late:.1f}" for middle, late in found]
    ratios = [f"{found[0][0] / other[0]:.2f} / {found[0][1] / other[1]:.2f}" for other in found[1:]]
    return "| " + " | ".join((f"{size / 1000:g} kB, {what}", *cells, *ratios)) + " |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--interval", type=float, default=0.2, help="seconds between two rounds")
    options = parser.parse_args()
    sizes = Plan().probe_sizes
    with own_node() as node:
        load_before = os.getloadavg()[0]
        times = asyncio.run(measure(node, sizes, options.rounds, options.interval))
    print(f"{options.rounds} rounds, load {load_before:.1f} before and {os.getloadavg()[0]:.1f} after")
    print("| p50 / p95 | probe, ms | plain, ms | native, ms | probe to plain | probe to native |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in sizes:
        print(row(size, "receipt", [each.receipts[size] for each in times.values()]))
        print(row(size, "end to end", [each.ends_to_ends[size] for each in times.values()]))


if __name__ == "__main__":
    main()
