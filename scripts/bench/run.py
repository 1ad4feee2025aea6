"""A whole run: transports take turns, in several short rounds each, and the rounds of each are pooled."""

from __future__ import annotations

import os
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .node import Addresses
from .plan import CAMERA_FPS, FLOOD_FPS, Job, Plan
from .processes import Round, RoundFailed, run_round
from .results import age_figures, flood_figures, slow_figures
from .transports import TRANSPORTS

_MOST_FAILURES = 2
_SLOW_VIEWER_S = 0.2
_PACKAGES = ("websockets", "orjson", "pybase64", "opencv-python", "numpy", "pulsar-client", "imagezmq", "pyzmq")


class Run:
    """Runs the rounds of a plan.

    Attributes:
        left_out: transports that do not run, or no more, and why.
    """

    def __init__(self, plan: Plan, names: Iterable[str], rings: Path, node: Addresses, say: Callable[[str], None]):
        self.left_out = {name: problem for name in names if (problem := TRANSPORTS[name].problem())}
        self._names = [name for name in names if name not in self.left_out]
        self._plan, self._rings, self._node, self._say = plan, rings, node, say
        self._failures: Counter[str] = Counter()
        self._rounds = 0

    def results(self) -> dict[str, Any]:
        """Run everything, and return the figures."""
        self._warm_up()
        ages, floods = self._ages(), self._floods()
        sizes: dict[str, Any] = defaultdict(dict)
        for name in self._names:  # in the order of the registry
            for size in dict.fromkeys((*self._plan.age_sizes, *self._plan.flood_sizes)):
                figures = age_figures(ages[size, name]) if ages[size, name] else {}
                figures |= flood_figures(floods[size, name]) if floods[size, name] else {}
                if figures:
                    sizes[size][name] = figures
        return {
            "machine": _machine(),
            "sizes": dict(sizes),
            "slow": self._slow() if self._plan.slow_s else {},
            "left_out": self.left_out,
        }

    def _warm_up(self) -> None:
        """Let the node compile what it runs often, which takes several hundred frames on each kind of topic.

        The native client's way through the node is the second half of ours. JPEGs that are ready leave the processors
        to the node.
        """
        for kind in dict.fromkeys(TRANSPORTS[name].topic for name in self._names):
            if kind:
                self._round("ours-mjpeg", "720p", kind, fps=FLOOD_FPS, seconds=self._plan.warm_up_s)

    def _ages(self) -> dict[tuple[str, str], list[Round]]:
        plan = self._plan
        return self._take_turns(self._names, plan.age_rounds, plan.age_sizes, CAMERA_FPS, plan.age_s)

    def _floods(self) -> dict[tuple[str, str], list[Round]]:
        plan = self._plan
        names = [name for name in self._names if not plan.flooded or name in plan.flooded]
        return self._take_turns(names, plan.flood_rounds, plan.flood_sizes, FLOOD_FPS, plan.flood_s)

    def _take_turns(
        self, names: Sequence[str], rounds: int, sizes: Sequence[str], fps: float, seconds: float
    ) -> dict[tuple[str, str], list[Round]]:
        done: dict[tuple[str, str], list[Round]] = defaultdict(list)
        for number in range(rounds):
            for size in sizes:
                # There and back, so that a drift of the machine meets all alike.
                for name in names if number % 2 == 0 else reversed(names):
                    result = self._round(name, size, fps=fps, seconds=seconds)
                    if result:
                        done[size, name].append(result)
        return done

    def _slow(self) -> dict[str, Any]:
        slow = {}
        for name in self._names:
            if name == "floor":  # has no answer to a slow viewer but the buffers of TCP
                continue
            seconds = self._plan.slow_s
            result = self._round(name, "720p", fps=CAMERA_FPS, seconds=seconds, viewer_delay_s=_SLOW_VIEWER_S)
            if result:
                slow[name] = slow_figures(result)
        return slow

    def _round(self, name: str, size: str, kind: str = "", **options: float) -> Round | None:
        if name in self.left_out:
            return None
        self._rounds += 1
        kind = kind or TRANSPORTS[name].topic
        topic = f"{kind}://public/default/bench-{os.getpid()}-{self._rounds}" if kind else ""
        job = Job(
            name,
            str(self._rings / size),
            settle_s=self._plan.settle_s,
            topic=topic,
            service_url=self._node.service_url,
            broker_url=self._node.broker_url,
            **options,
        )
        self._say(f"{size} {TRANSPORTS[name].label}, {job.fps:.0f} fps for {job.seconds:g} s")
        try:
            return run_round(job)
        except RoundFailed as failure:
            self._failures[name] += 1
            self._say(f"{name} failed: {failure}")
            if self._failures[name] >= _MOST_FAILURES:
                self.left_out[name] = str(failure)
            return None
        finally:
            if topic:
                self._node.delete(topic)


def _machine() -> dict[str, Any]:
    """Return what the figures depend on, without what would identify the machine."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": time.strftime("%Y-%m-%d"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": versions,
    }
