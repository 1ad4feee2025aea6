"""Plots over time, as SVG that takes its colours for text and axes from the page around it."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import DependencyMissing
from .recording import Recording
from .samples import Percentile
from .series import Series

try:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
except ImportError as error:
    raise DependencyMissing(
        f"matplotlib, which draws the plots, cannot be loaded ({error})",
        "Install it: python -m pip install 'pulsar-cam[report]'",
    ) from error

# Each stands out on white and on near-black.
COLOURS = ("#3b82f6", "#e8801a", "#22a06b", "#c2479b", "#159fb5", "#e0524d", "#8b6fe0", "#94951d")
STATE_COLOURS = {"ok": "#2e9e5b", "skipped": "#9aa1ab", "warning": "#e5a50a", "problem": "#d93a3a"}
_DASHES: dict[Percentile, str] = {"": "-", "p50": "-", "p95": "--", "p99": ":"}
_DAY_S = 86_400.0
_LEAST_MS = 0.1
_SETTINGS = {"svg.fonttype": "none", "font.size": 9, "axes.unicode_minus": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of plot looks.

    Attributes:
        is_log: for durations, of which those in a fault are a thousand times those of every day.
        is_shared: whether all recordings are in one plot.
    """

    key: str
    title: str
    is_log: bool = False
    is_shared: bool = True


KINDS = (
    Kind("fps", "Frames a second"),
    Kind("age", "Age of frames in ms: p50 solid, p95 dashed, p99 dotted", is_log=True),
    Kind("drops", "Frames dropped or missing a second, by reason", is_shared=False),
    Kind("stages", "Where their time goes, in ms: p50 solid, p99 dotted", is_log=True, is_shared=False),
    Kind("receipts", "Probes: until the receipt, in ms", is_log=True, is_shared=False),
    Kind("ends", "Probes: from end to end, in ms", is_log=True, is_shared=False),
    Kind("backlog", "Backlog in messages, by subscription", is_shared=False),
    Kind("flight", "Messages in flight", is_shared=False),
    Kind("setting", "What is published with: quality, scale, rate", is_shared=False),
    Kind("reconnects", "Reconnections and jumps so far"),
)


@dataclass(frozen=True, slots=True)
class Curve:
    """A series with its look."""

    label: str
    colour: str
    dashes: str
    series: Series


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing.

    Attributes:
        legend: colours and names, in their order; the names are not yet escaped.
        svg: the drawing, safe to put into a page.
    """

    title: str
    legend: list[tuple[str, str]]
    svg: str


def plots_of(recordings: Sequence[Recording]) -> list[Plot]:
    """Return all plots that have something to show, over the same time."""
    span = _span(recordings)
    plots = []
    for kind in KINDS:
        for group in [recordings] if kind.is_shared else [[each] for each in recordings]:
            curves = _curves(kind, group)
            if curves:
                title = kind.title if kind.is_shared else f"{label(group[0])}: {kind.title}"
                legend = list(dict.fromkeys((curve.colour, curve.label) for curve in curves if curve.label))
                plots.append(Plot(title, legend, _drawn(curves, kind.is_log, span)))
    return plots


def label(recording: Recording) -> str:
    """Return what a recording is called: its file, and its command where the file's name does not say it."""
    is_told = recording.command in recording.name
    return recording.name if is_told else f"{recording.command} {recording.name}"


def bars_of(recordings: Sequence[Recording]) -> Plot | None:
    """Return the states of all parts as coloured bars; None if there are none."""
    rows = [
        (_row_name(each, part, recordings), states) for each in recordings for part, states in each.states.items()
    ]
    if not rows:
        return None
    axes, figure = _axes(11.0, 0.5 + 0.2 * len(rows), _span(recordings))
    for row, (_, states) in enumerate(rows):
        for from_s, to_s, state in states.runs:
            width = max(to_s - from_s, 1.0) / _DAY_S
            axes.broken_barh(
                [(from_s / _DAY_S, width)], (row - 0.4, 0.8), facecolors=STATE_COLOURS[state], linewidth=0
            )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], parse_math=False)
    axes.tick_params(axis="y", length=0)
    return Plot(
        "State of each part", [(colour, state) for state, colour in STATE_COLOURS.items()], _svg(figure, "bars")
    )


def _row_name(recording: Recording, part: str, recordings: Sequence[Recording]) -> str:
    """Return the name of a bar, in characters that every font has."""
    is_only_one = [each.command for each in recordings].count(recording.command) == 1
    owner = recording.command if is_only_one else recording.name
    return f"{owner[:20]}: {part[:16]}".encode("ascii", "replace").decode()


def _curves(kind: Kind, recordings: Sequence[Recording]) -> list[Curve]:
    """Return the curves of a plot; those that differ in their percentile only have the same colour."""
    found = [
        (_name(recording, series, len(recordings) > 1), percentile, values)
        for recording in recordings
        for (series, percentile), values in recording.plots.get(kind.key, {}).items()
        if not values.is_empty
    ]
    names = list(dict.fromkeys(name for name, _, _ in found))
    return [
        Curve(name, COLOURS[names.index(name) % len(COLOURS)], _DASHES[percentile], values)
        for name, percentile, values in found
    ]


def _name(recording: Recording, series: str, is_one_of_several: bool) -> str:
    parts = (label(recording) if is_one_of_several or not series else "", series)
    return ": ".join(part for part in parts if part)


def _span(recordings: Sequence[Recording]) -> tuple[float, float]:
    first_s, last_s = min(each.first_s for each in recordings), max(each.last_s for each in recordings)
    return first_s, max(last_s, first_s + 1)


def _drawn(curves: list[Curve], is_log: bool, span: tuple[float, float]) -> str:
    axes, figure = _axes(5.4, 2.2, span)
    highest, lowest = _LEAST_MS, math.inf
    for curve in curves:
        times_s, values = curve.series.points()
        values = [max(value, _LEAST_MS) for value in values] if is_log else values
        known = [value for value in values if not math.isnan(value)]
        highest, lowest = max(highest, *known), min(lowest, *known)
        days = [at_s / _DAY_S for at_s in times_s]
        axes.plot(
            days,
            values,
            curve.dashes,
            color=curve.colour,
            linewidth=1.4,
            marker="o" if len(known) < 3 else "",
            markersize=3,
        )
    if is_log:
        axes.set_yscale("log")
        axes.set_ylim(10 ** math.floor(math.log10(lowest)), 10 ** math.ceil(math.log10(highest * 1.05)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(min(0.0, lowest), highest * 1.08)
        axes.yaxis.set_major_locator(MaxNLocator(5))
    return _svg(figure, f"{curves[0].label} {len(curves)}")


def _axes(width_in: float, height_in: float, span: tuple[float, float]) -> tuple[Any, Any]:
    """Return axes over that time, and their figure of this size in inches."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    margin_s = 0.01 * (span[1] - span[0])
    axes.set_xlim((span[0] - margin_s) / _DAY_S, (span[1] + margin_s) / _DAY_S)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return axes, figure


def _svg(figure: Any, salt: str) -> str:
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({**_SETTINGS, "svg.hashsalt": salt, "timezone": "UTC"}):
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace("#000000", "currentColor")
    # Several drawings share a page: names that nothing refers to would be there twice.
    svg = re.sub(r' id="[\w.]+_\d+"', "", svg)
    return re.sub(r'<svg [^>]*viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img">', svg, count=1)
