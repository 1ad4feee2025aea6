"""How live the pair stays while link or node fail it: .venv/bin/python -m scripts.bench_live [SCENARIO ...]

Starts a node of its own, and for each scenario `pulsar-cam publish` and `pulsar-cam watch` as a person does, with a
fault for some seconds. Prints a line for each; docs/benchmarks.md explains the columns. Linux and macOS.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from pulsar_cam.node import LocalNode, NodeState
from tests.lab.link import Link, link_to

ROOT = Path(__file__).parent.parent
FAULT_AT_S = 12.0
MBIT = 1_000_000 / 8


@dataclass
class Side:
    """A command of the pair in a process of its own, with what it said and measured each second."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def start(cls, *words: str) -> Side:
        """Start `pulsar-cam` with these words and --json."""
        command = [sys.executable, "-m", "pulsar_cam", *words, "--json"]
        side = cls(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        threading.Thread(target=side._read, daemon=True).start()
        return side

    def _read(self) -> None:
        assert self.process.stdout
        memory = psutil.Process(self.process.pid)
        for line in self.process.stdout:
            said = json.loads(line)
            if said["event"] == "status":
                said["rss_mb"] = memory.memory_info().rss / 1e6
            self.lines.append(said | {"at_s": time.monotonic()})

    def end(self) -> dict[str, Any]:
        """Wait for the end, by force if it takes long; return the summary."""
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
        time.sleep(0.2)  # for the last line
        return self.lines[-1]

    def growth_mb(self) -> float:
        """Return by how much the resident memory grew from the tenth second to the end."""
        sizes = [line["rss_mb"] for line in self.lines if "rss_mb" in line]
        return float(sizes[-1] - sizes[min(10, len(sizes) - 1)])


@contextmanager
def stopped(node: NodeState) -> Iterator[None]:
    """Stop the node's process for as long as the context lasts."""
    process = psutil.Process(node.pid)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def pause(node: NodeState, _link: Link) -> None:
    """Pause the node for 3 s."""
    with stopped(node):
        time.sleep(3)


def throttle(node: NodeState, _link: Link) -> None:
    """Let the node run a fifth of the time, for 15 s."""
    until_s = time.monotonic() + 15
    while time.monotonic() < until_s:
        with stopped(node):
            time.sleep(0.08)
        time.sleep(0.02)


def narrow(_node: NodeState, link: Link) -> None:
    """Narrow the publisher's link to 20 Mbit/s for 20 s."""
    link.bytes_per_s = 20 * MBIT
    time.sleep(20)
    link.bytes_per_s = None


@dataclass(frozen=True)
class Scenario:
    """What is published for how long, over which link, and what happens after FAULT_AT_S."""

    seconds: float
    size: str = "1280x720"
    delay_s: float = 0.0
    fault: Callable[[NodeState, Link], None] | None = None


SCENARIOS = {
    "steady 1080p": Scenario(60, "1920x1080"),
    "round trip 200 ms": Scenario(40, delay_s=0.1),
    "link of 20 Mbit/s": Scenario(45, fault=narrow),
    "node paused 3 s": Scenario(30, fault=pause),
    "node throttled": Scenario(42, fault=throttle),
}


def run(name: str, scenario: Scenario, node: NodeState) -> list[str]:
    """Run a scenario, and return its line of the table."""
    topic = f"non-persistent://public/default/{name.replace(' ', '-').replace('/', '')}"
    with link_to(node) as link:
        link.delay_s = scenario.delay_s
        where = ("--service-url", link.endpoint.admin_url, "--topic", topic)
        watch = Side.start("watch", "--headless", "--duration", str(scenario.seconds + 4), *where)
        time.sleep(2)
        pattern = ("--source", "test-pattern:", "--size", scenario.size, "--fps", "30")
        publish = Side.start("publish", *pattern, "--duration", str(scenario.seconds), *where)
        time.sleep(FAULT_AT_S)
        if scenario.fault:
            scenario.fault(node, link)
        over_at_s = time.monotonic()
        published, watched = publish.end(), watch.end()
    return [name, *figures(publish, published, watch, watched, over_at_s)]


def figures(
    publish: Side, published: dict[str, Any], watch: Side, watched: dict[str, Any], over_at_s: float
) -> list[str]:
    """Return the columns of the table."""
    qualities = [line["setting"]["quality"] for line in publish.lines]
    lowered = [line for line in publish.lines if line["setting"]["quality"] < qualities[-1]]
    back_s = max((line["at_s"] for line in lowered), default=over_at_s) - over_at_s
    percentiles = "/".join(f"{value:.0f}" for value in watched["age_ms"].values())
    return [
        f"{published['published'] / published['elapsed_s']:.1f}",
        percentiles,
        f"{published['stages_ms']['receipt']['p50']:.0f}",
        str(max(line["in_flight"] for line in publish.lines)),
        f"{min(qualities)} of {qualities[0]}",
        f"{max(back_s, 0):.0f}" if lowered and qualities[-1] == qualities[0] else "-",
        str(watched["jumps"]),
        " of ".join(f"{worst((publish, watch), key):.0f}" for key in ("loop_work_ms", "loop_blocked_ms")),
        f"{publish.growth_mb():+.0f} {watch.growth_mb():+.0f}",
        accounts(published, watched),
    ]


def worst(sides: tuple[Side, Side], key: str) -> float:
    """Return the larger of what both sides measured."""
    return float(max(side.lines[-1][key] for side in sides))


def accounts(published: dict[str, Any], watched: dict[str, Any]) -> str:
    """Return whether every frame is accounted for on both sides."""
    publisher = published["captured"] == published["published"] + sum(published["dropped"].values())
    viewer = watched["received"] == watched["shown"] + sum(watched["dropped"].values())
    return "yes" if publisher and viewer else "NO"


def main() -> None:
    """Run the scenarios that are named, or all."""
    names = sys.argv[1:] or list(SCENARIOS)
    table = Table(
        "scenario", "fps", "age p50/p95/p99 ms", "receipt p50 ms", "in flight", "lowest quality", "back after s",
        "jumps", "work of loop blocked ms", "memory MB", "accounts",
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="pulsar-cam-live-") as folder:
        node = LocalNode("live", Path(folder))
        state = node.start(0)
        try:
            run("warm-up", Scenario(15), state)
            for name in names:
                print(name, file=sys.stderr)
                table.add_row(*run(name, SCENARIOS[name], state))
        finally:
            node.stop()
    Console(width=170).print(table)


if __name__ == "__main__":
    main()
