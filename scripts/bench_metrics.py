"""What metrics cost a publisher: .venv/bin/python -m scripts.bench_metrics

CPU time of one scrape, of what a frame pays for its histograms, and of `pulsar-cam publish` on a node of its own,
with a scrape each second and without, in turns. Linux and macOS. See docs/monitoring/metrics.md.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from prometheus_client import generate_latest
from rich.console import Console

from pulsar_cam.frame import Packet
from pulsar_cam.measure.stages import Durations
from pulsar_cam.metrics.collector import registry_of
from pulsar_cam.metrics.publisher import publisher_readings
from pulsar_cam.metrics.viewer import viewer_readings
from pulsar_cam.node import LocalNode, NodeState
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.watching.stats import WatchStats

from .bench_hot_path import cpu_us

ROUNDS = 4
RUN_S = 20.0
TOPIC = Topic.parse("cows")


def main() -> None:
    """Measure all, and print it."""
    console = Console(highlight=False)
    for name, registry in (
        ("publisher", registry_of(publisher_readings(PublishStats(), TOPIC))),
        ("viewer", registry_of(viewer_readings(_watched(), TOPIC))),
    ):
        text = generate_latest(registry)
        taken_us = cpu_us(lambda registry=registry: generate_latest(registry))  # type: ignore[misc]
        console.print(f"one scrape of a {name}: {taken_us / 1000:.1f} ms for {len(text) / 1000:.0f} kB")
    durations = Durations()
    console.print(f"one duration, with its histogram: {cpu_us(lambda: durations.add(7_000_000)):.2f} µs")
    with tempfile.TemporaryDirectory() as folder:
        node = LocalNode("bench-metrics", Path(folder))
        try:
            _compare(console, node.start(0, 0))
        finally:
            node.stop()


def _watched() -> WatchStats:
    stats = WatchStats()
    stats.show(Packet(b"", 1280, 720, time.time_ns(), quality=80), time.time_ns())
    return stats


def _compare(console: Console, node: NodeState) -> None:
    taken: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS):
        for scraped in (False, True):
            taken[scraped].append(_publish(node, scraped))
    for scraped, seconds in taken.items():
        each = " ".join(f"{share:.1f}" for share in seconds)
        console.print(
            f"ms of CPU time per frame {'with a scrape each second' if scraped else 'without metrics'}: {each}"
        )


def _publish(node: NodeState, scraped: bool) -> float:
    """Return the CPU time of a frame, in milliseconds."""
    options = ["--metrics-port", "0"] if scraped else []
    command = [sys.executable, "-m", "pulsar_cam", "publish", "--source", "test-pattern:", "--duration", str(RUN_S)]
    before_s = _children_s()
    process = subprocess.Popen(
        [*command, "--service-url", node.service_url, "--fixed", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if scraped:
        assert process.stderr
        _scrape(process, process.stderr.readline().removeprefix("metrics: ").strip())
    out, _ = process.communicate()
    return (_children_s() - before_s) * 1000 / int(out.split()[1])


def _scrape(process: subprocess.Popen[str], url: str) -> None:
    with httpx.Client(trust_env=False) as client:
        while process.poll() is None:
            try:
                client.get(url)
            except httpx.HTTPError:  # it has ended
                return
            time.sleep(1)


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
