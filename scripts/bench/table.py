"""The figures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from .check import Target, other_readings
from .results import cpu_without_jpeg_ms, figure, ratio
from .transports import TRANSPORTS

_SIDES = ("publisher", "viewer")


def print_tables(results: Mapping[str, Any], console: Console) -> None:
    """Print one table per size, one for the slow viewer, and what was left out."""
    for size, transports in results["sizes"].items():
        console.print(_size_table(results, size, transports))
        for name, figures in transports.items():
            if stages := figures.get("stages_ms"):
                text = ", ".join(f"{stage} {values['p50']}" for stage, values in stages.items())
                console.print(f"{TRANSPORTS[name].label}: stages, p50 ms: {text}", markup=False)
    console.print(
        "(1.00x): times the common way, on the same kind of topic; on a persistent one for what has no topic"
    )
    if results.get("slow"):
        console.print(_slow_table(results["slow"]))
    for name, reason in results["left_out"].items():
        console.print(f"left out: {name}: {reason}", markup=False)


def print_targets(targets: list[Target], results: Mapping[str, Any], console: Console) -> None:
    """Print each target and whether it holds, and what is only to be known."""
    for target in targets:
        console.print(f"{'holds' if target.holds else 'FAILS'}  {target.sentence}", markup=False)
    for line in other_readings(results):
        console.print(f"also   {line}", markup=False)


def _size_table(results: Mapping[str, Any], size: str, transports: Mapping[str, Any]) -> Table:
    table = Table(
        "transport",
        title=f"{size}, camera at 30 fps, age from capture to decoded, cost per frame",
        title_justify="left",
    )
    ages = ("age p50 ms", "p95 ms", "p99 ms")
    costs = ("publisher CPU ms", "viewer CPU ms", "both without JPEG", "kB out", "kB in")
    for heading in (*ages, "fps", "highest fps", *costs, "start ms"):
        table.add_column(heading, justify="right")
    for name in transports:
        peer = TRANSPORTS[name].peer

        def value(*path: str, name: str = name) -> float | None:
            return figure(results, size, name, *path)

        def compared(*path: str, name: str = name, peer: str = peer) -> str:
            return _cell(figure(results, size, name, *path), peer=figure(results, size, peer, *path))

        cpu, peer_cpu = (cpu_without_jpeg_ms(results, size, each) for each in (name, peer))
        table.add_row(
            TRANSPORTS[name].label,
            *(compared("age_ms", percentile) for percentile in ("p50", "p95", "p99")),
            _cell(value("fps")),
            compared("highest_fps"),
            *(_cell(value(side, "cpu_ms")) for side in _SIDES),
            _cell(cpu, peer=peer_cpu) if name != "webrtc" else "-",  # its codec is another
            *(_cell(value(side, "wire_bytes"), scale=1e-3) for side in _SIDES),
            _cell(value("start_ms")),
        )
    return table


def _cell(value: float | None, *, peer: float | None = None, scale: float = 1.0) -> str:
    if value is None:
        return "-"
    text = f"{value * scale:.1f}" if value * scale < 100 else f"{value * scale:.0f}"
    times = ratio(value, peer)
    return text if times is None else f"{text} ({times:.2f}x)"


def _slow_table(slow: Mapping[str, Any]) -> Table:
    table = Table("transport", title="A viewer that needs 200 ms per frame, 30 fps", title_justify="left")
    for heading in ("age p50 ms", "p99", "captured", "shown", "publisher drops", "viewer drops", "never came"):
        table.add_column(heading, justify="right")
    for name, figures in slow.items():
        ages, publisher, viewer = figures["age_ms"], figures["publisher"], figures["viewer"]
        table.add_row(
            TRANSPORTS[name].label,
            *(f"{ages[p]:.0f}" if p in ages else "-" for p in ("p50", "p99")),
            str(figures["captured"]),
            str(figures["shown"]),
            *(_drops(side.get("dropped")) for side in (publisher, viewer)),
            str(viewer.get("missing", "-")),
        )
    return table


def _drops(dropped: Mapping[str, int] | None) -> str:
    if dropped is None:
        return "-"
    return "\n".join(f"{reason} {count}" for reason, count in dropped.items()) or "0"
