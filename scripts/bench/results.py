"""From rounds to figures. What is stored and compared is plain dictionaries, as they are in the JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .processes import Round

Figures = dict[str, Any]
"""The figures of one transport at one size; an absent name was not measured."""

_MOST_POINTS = 600  # of a curve


def ages_ms(done: Round, *, settle: bool = True) -> list[tuple[float, float]]:
    """Return (seconds since the camera's first frame, age in ms) of each frame shown."""
    started_ns = done.published["started_at_ns"]
    first_ns: int = started_ns + int(done.job.settle_s * 1e9) if settle else started_ns
    captured_at_ns: Sequence[int] = done.published["counted"].get("captured_at_ns", ())
    ages: list[tuple[float, float]] = []
    for captured_ns, shown_ns in done.watched["shown_at_ns"]:
        if captured_at_ns:  # the transport carries numbers
            captured_ns = captured_at_ns[captured_ns]
        if captured_ns >= first_ns:
            ages.append(((shown_ns - started_ns) / 1e9, (shown_ns - captured_ns) / 1e6))
    return ages


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99; nothing of nothing."""
    if not values:
        return {}
    return {f"p{p}": round(float(np.percentile(values, p)), 2) for p in (50, 95, 99)}


def fps(done: Round) -> float:
    """Return frames shown a second, from the settling on until the camera ended."""
    begin_ns: int = done.published["started_at_ns"] + int(done.job.settle_s * 1e9)
    end_ns: int = done.published["ended_at_ns"]
    shown: int = sum(begin_ns <= shown_ns < end_ns for _, shown_ns in done.watched["shown_at_ns"])
    return shown * 1e9 / (end_ns - begin_ns)


def cost(rounds: Sequence[Round], side: str) -> dict[str, float]:
    """Return what a frame costs one side: CPU time in ms, the same without the JPEG codec, and bytes of TCP."""
    pairs = [marks for done in rounds if len(marks := getattr(done, side)["marks"]) == 2]
    frames: int = sum(end["frames"] - begin["frames"] for begin, end in pairs)
    if not frames:
        return {}

    def per_frame(name: str) -> float:
        return float(sum(end[name] - begin[name] for begin, end in pairs)) / frames

    cpu_ms, jpeg_ms = per_frame("cpu_s") * 1e3, per_frame("jpeg_s") * 1e3
    costs = {"cpu_ms": round(cpu_ms, 3), "cpu_without_jpeg_ms": round(cpu_ms - jpeg_ms, 3)}
    if all(mark["wire_bytes"] for pair in pairs for mark in pair):  # 0 where nothing went by TCP
        costs["wire_bytes"] = round(per_frame("wire_bytes"))
    return costs


def age_figures(rounds: Sequence[Round]) -> Figures:
    """Return the figures of pooled rounds at the camera's rate."""
    ages = [age for done in rounds for _, age in ages_ms(done)]
    starts_ms = [
        done.connect_s * 1e3 + (done.watched["shown_at_ns"][0][1] - done.first_go_ns) / 1e6
        for done in rounds
        if done.watched["shown_at_ns"]
    ]
    publisher, viewer = cost(rounds, "published"), cost(rounds, "watched")
    if udp_bytes := sum(done.published["counted"].get("udp_bytes", 0) for done in rounds):
        publisher["wire_bytes"] = round(udp_bytes / sum(done.published["given"] for done in rounds))
        viewer.pop("wire_bytes", None)  # of the signalling
    return {
        "age_ms": percentiles(ages),
        "frames": len(ages),
        "fps": round(float(np.mean([fps(done) for done in rounds])), 1),
        "start_ms": round(float(np.median(starts_ms))) if starts_ms else None,
        "publisher": publisher,
        "viewer": viewer,
        "stages_ms": next((told for r in reversed(rounds) if (told := r.watched["counted"].get("stages_ms"))), {}),
    }


def flood_figures(rounds: Sequence[Round]) -> Figures:
    """Return the highest rate of pooled rounds."""
    return {"highest_fps": round(float(np.mean([fps(done) for done in rounds])), 1)}


def slow_figures(done: Round) -> Figures:
    """Return the figures of a round with a slow viewer: age and memory over time, and the accounts."""
    curve = ages_ms(done, settle=False)
    thinned = curve[:: max(1, len(curve) // _MOST_POINTS)]
    return {
        "age_ms": percentiles([age for _, age in curve]),
        "shown": len(curve),
        "captured": done.published["given"],
        "missed_by_camera_reader": done.published["missed"],
        "publisher": done.published["counted"],
        "viewer": done.watched["counted"],
        "age_over_time": [(round(at_s, 2), round(age, 1)) for at_s, age in thinned],
        "memory_over_time_mb": [(round(s, 1), round(p / 1e6, 1), round(v / 1e6, 1)) for s, p, v in done.memory],
    }


def ratio(value: float | None, peer: float | None) -> float | None:
    """Return how many times the peer's value this is; None if one of them was not measured."""
    return round(value / peer, 2) if value is not None and peer else None


def figure(results: Mapping[str, Any], size: str, transport: str, *path: str) -> float | None:
    """Return one figure of a run, such as ``figure(results, "720p", "floor", "age_ms", "p50")``; None if absent."""
    found: Any = results["sizes"]
    for name in (size, transport, *path):
        found = found.get(name) if isinstance(found, dict) else None
    return None if found is None else float(found)


def cpu_without_jpeg_ms(results: Mapping[str, Any], size: str, transport: str) -> float | None:
    """Return the CPU time per frame of both sides together, in ms, without the JPEG codec."""
    sides = [figure(results, size, transport, side, "cpu_without_jpeg_ms") for side in ("publisher", "viewer")]
    return None if None in sides else sum(side for side in sides if side is not None)
