"""The targets of the project, and whether a run meets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .plan import CAMERA_FPS
from .results import cpu_without_jpeg_ms, figure

_SLOW_AGE_MS = 500.0
_FLAT_MB = 16.0
_UNDER_WAY = 5


@dataclass(frozen=True)
class Target:
    """A figure, and the most (or, for a rate, the least) that it may be; ``value`` is None if it was not measured."""

    name: str
    value: float | None
    limit: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is met; what was not measured is not."""
        if self.value is None:
            return False
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def sentence(self) -> str:
        """The target and the figure in words."""
        value = "not measured" if self.value is None else f"{self.value:.2f}"
        return f"{self.name}: {value}, and {'at least' if self.at_least else 'at most'} {self.limit:.2f} is wanted"


def targets(results: Mapping[str, Any]) -> list[Target]:
    """Return the targets with the figures of a run; those of a part that was not run are left out."""
    return [*_age_targets(results), *_cost_targets(results), *_slow_targets(results)]


def _age_targets(results: Mapping[str, Any]) -> Iterator[Target]:
    if "720p" not in results["sizes"]:
        return
    for kind, most in (("non-persistent", 1.3), ("persistent", 1.75)):
        ours, peer = f"ours-{kind}", f"common-{kind}"
        p50 = _ratio(results, ours, peer, "p50")
        yield Target(f"720p, {kind}: age p50 as a multiple of the common way's", p50, most)
        p99, peer_p99 = (figure(results, "720p", name, "age_ms", "p99") for name in (ours, peer))
        limit = (peer_p99 or 0.0) + 1000 / CAMERA_FPS
        yield Target(f"720p, {kind}: age p99 in ms, the common way's plus one frame", p99, limit)
    if "ours-mjpeg" not in results["left_out"]:
        p50 = _ratio(results, "ours-mjpeg", "common-non-persistent", "p50")
        yield Target("720p, MJPEG camera: age p50 as a multiple of the common way's", p50, 1.0)


def other_readings(results: Mapping[str, Any]) -> list[str]:
    """Return the age ratios across kinds of topics, which are not targets: unlike is compared with unlike."""
    pairs = [("ours-non-persistent", "common-persistent"), ("ours-persistent", "common-non-persistent")]
    ratios = [(ours, peer, _ratio(results, ours, peer, "p50")) for ours, peer in pairs]
    return [f"720p: age p50 of {ours} is {p50:.2f} times that of {peer}" for ours, peer, p50 in ratios if p50]


def _cost_targets(results: Mapping[str, Any]) -> Iterator[Target]:
    for kind in ("persistent", "non-persistent"):
        ours = f"ours-{kind}"
        if "720p" in results["sizes"]:
            cpu = _over(
                cpu_without_jpeg_ms(results, "720p", ours), cpu_without_jpeg_ms(results, "720p", "naive-websocket")
            )
            yield Target(f"720p, {kind}: CPU without JPEG work as a multiple of the naive client's", cpu, 0.6)
        if "1080p" in results["sizes"]:
            mine, naive = (figure(results, "1080p", name, "highest_fps") for name in (ours, "naive-websocket"))
            fps = _over(mine, naive)
            yield Target(f"1080p, {kind}: highest fps as a multiple of the naive client's", fps, 1.5, at_least=True)


def _slow_targets(results: Mapping[str, Any]) -> Iterator[Target]:
    for name, figures in results.get("slow", {}).items():
        if not name.startswith("ours-"):
            continue
        yield Target(f"slow viewer, {name}: age p99 in ms", figures["age_ms"].get("p99"), _SLOW_AGE_MS)
        for side, column in (("publisher", 1), ("viewer", 2)):
            grown = growth_mb([row[column] for row in figures["memory_over_time_mb"]])
            yield Target(f"slow viewer, {name}: growth of the {side}'s memory in MB", grown, _FLAT_MB)
        yield Target(f"slow viewer, {name}: frames that are not accounted for", unaccounted(figures), _UNDER_WAY)


def growth_mb(samples: Sequence[float]) -> float | None:
    """Return how much larger the last sixth of the samples is than the second one, on average."""
    sixth = len(samples) // 6
    if not sixth:
        return None
    return (sum(samples[-sixth:]) - sum(samples[sixth : 2 * sixth])) / sixth


def unaccounted(figures: Mapping[str, Any]) -> float:
    """Return how many frames no counter of ours explains: captured = shown + drops of both sides + lost in the node.

    The viewer sees from the sequence numbers how many frames never came: those are the publisher's drops and the
    node's. The few that were under way at the end are in neither count.
    """
    publisher, viewer = figures["publisher"], figures["viewer"]
    errors = [
        publisher["captured"] - publisher["published"] - sum(publisher["dropped"].values()),
        viewer["received"] - viewer["shown"] - sum(viewer["dropped"].values()),
        publisher["captured"] - viewer["received"] - viewer["missing"],
    ]
    return float(max(abs(error) for error in errors))


def _ratio(results: Mapping[str, Any], transport: str, peer: str, percentile: str) -> float | None:
    values = (figure(results, "720p", name, "age_ms", percentile) for name in (transport, peer))
    return _over(*values)


def _over(value: float | None, peer: float | None) -> float | None:
    return value / peer if value is not None and peer else None
