"""The figures as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

from .results import figure
from .transports import TRANSPORTS

_OURS, _COMMON, _OTHER = "#0b6e99", "#b5541c", "#8a8f98"
_DPI = 110


def save_pictures(results: Mapping[str, Any], folder: Path) -> None:
    """Write a PNG for each thing that was measured."""
    style = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True}
    with plt.rc_context({**style, "axes.axisbelow": True, "grid.color": "#e3e5e8", "axes.titlelocation": "left"}):
        _ages(results, folder / "age.png")
        _rates(results, folder / "fps.png")
        _costs(results, folder / "cpu.png")
        if results.get("slow"):
            _slow(results["slow"], folder / "slow-viewer.png")


def _colour(name: str) -> str:
    return _OURS if name.startswith("ours-") else _COMMON if name.startswith("common-") else _OTHER


def _panels(
    results: Mapping[str, Any], measured: tuple[str, ...], title: str
) -> tuple[Any, list[tuple[str, Any, Any]]]:
    """Return a figure, and for each size where this was measured the size, its transports and its panel."""
    sizes = {
        size: [name for name in transports if figure(results, size, name, *measured) is not None]
        for size, transports in results["sizes"].items()
    }
    sizes = {size: names for size, names in sizes.items() if names}
    rows = max(map(len, sizes.values()), default=1)
    drawn, axes = plt.subplots(
        1, max(1, len(sizes)), figsize=(3 + 3.4 * len(sizes), 1.3 + 0.34 * rows), squeeze=False, layout="constrained"
    )
    drawn.suptitle(title, x=0.01, ha="left", weight="bold")
    panels = []
    for column, ((size, names), panel) in enumerate(zip(sizes.items(), axes[0], strict=False)):
        panel.set_title(size)
        panel.set_yticks(range(len(names)), [TRANSPORTS[name].label for name in names] if column == 0 else [])
        panel.set_ylim(len(names) - 0.4, -0.6)
        panel.grid(visible=False, axis="y")
        panels.append((size, names, panel))
    return drawn, panels


def _ages(results: Mapping[str, Any], path: Path) -> None:
    drawn, panels = _panels(results, ("age_ms", "p50"), "Age of a frame when it is decoded, camera at 30 fps")
    for size, names, panel in panels:
        for row, name in enumerate(names):
            p50, p95, p99 = (figure(results, size, name, "age_ms", p) for p in ("p50", "p95", "p99"))
            panel.plot([p50, p99], [row, row], color=_colour(name), linewidth=2, alpha=0.45)
            panel.plot(p95, row, "|", color=_colour(name), markersize=9, markeredgewidth=2)
            panel.plot(p50, row, "o", color=_colour(name), markersize=7)
        panel.set_xscale("log")
        panel.set_xlabel("ms: dot p50, tick p95, end of line p99")
        for axis in (panel.xaxis.set_major_formatter, panel.xaxis.set_minor_formatter):
            axis(FuncFormatter(_plain))
    _save(drawn, path)


def _plain(value: float, _position: object) -> str:
    """Label 1, 2 and 5 of each decade of a logarithmic axis."""
    return f"{value:g}" if f"{value:e}"[0] in "125" else ""


def _rates(results: Mapping[str, Any], path: Path) -> None:
    drawn, panels = _panels(results, ("highest_fps",), "Highest rate: frames decoded per second")
    for size, names, panel in panels:
        values = [figure(results, size, name, "highest_fps") or 0.0 for name in names]
        bars = panel.barh(range(len(names)), values, color=[_colour(name) for name in names], height=0.62)
        panel.bar_label(bars, fmt="%.0f", padding=3)
        panel.set_xlabel("fps")
        panel.margins(x=0.12)
    _save(drawn, path)


def _costs(results: Mapping[str, Any], path: Path) -> None:
    title = "CPU time per frame at 30 fps (WebRTC: with its codec, others: without the JPEG codec)"
    drawn, panels = _panels(results, ("viewer", "cpu_ms"), title)
    for size, names, panel in panels:
        begin = [0.0] * len(names)
        for side, alpha in (("publisher", 1.0), ("viewer", 0.5)):
            values = [figure(results, size, name, side, "cpu_without_jpeg_ms") or 0.0 for name in names]
            colours = [_colour(name) for name in names]
            bars = panel.barh(range(len(names)), values, left=begin, color=colours, alpha=alpha, height=0.62)
            begin = [sum(pair) for pair in zip(begin, values, strict=True)]
        panel.bar_label(bars, labels=[f"{value:.1f}" for value in begin], padding=3)
        panel.set_xlabel("ms: dark publisher, light viewer")
        panel.margins(x=0.15)
    _save(drawn, path)


def _slow(slow: Mapping[str, Any], path: Path) -> None:
    drawn, (ages, memory) = plt.subplots(2, 1, figsize=(9, 7.5), sharex=True, layout="constrained")
    drawn.suptitle("A viewer that needs 200 ms per frame, camera at 30 fps", x=0.01, ha="left", weight="bold")
    for number, (name, figures) in enumerate(slow.items()):
        colour, label = plt.get_cmap("tab10")(number % 10), TRANSPORTS[name].label
        width = 2.4 if name.startswith("ours-") else 1.3
        if figures["age_over_time"]:
            seconds, values = zip(*figures["age_over_time"], strict=True)
            ages.plot(seconds, [value / 1e3 for value in values], color=colour, label=label, linewidth=width)
        if figures["memory_over_time_mb"]:
            seconds, publisher, viewer = zip(*figures["memory_over_time_mb"], strict=True)
            grown = [p + v - publisher[0] - viewer[0] for p, v in zip(publisher, viewer, strict=True)]
            memory.plot(seconds, grown, color=colour, label=label, linewidth=width)
    ages.set(yscale="log", ylabel="age of the frame shown, s")
    for axis in (ages.yaxis.set_major_formatter, ages.yaxis.set_minor_formatter):
        axis(FuncFormatter(_plain))
    memory.set(ylabel="growth of both processes' memory, MB", xlabel="s")
    ages.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    _save(drawn, path)


def _save(drawn: Any, path: Path) -> None:
    drawn.savefig(path, dpi=_DPI)
    plt.close(drawn)
