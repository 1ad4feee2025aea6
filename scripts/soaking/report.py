"""What a soak found: recovery by kind of fault, and whether each promise held."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .gauge import Gauge, Reading, growth
from .streams import Receipts, Streams

HANG_S = 60.0
MOST_MEMORY_GROWTH_MB = 25.0
"""Pictures of many sizes come and go, so that there is a little more or less of free memory between them."""
MOST_OBJECTS_GROWTH = 2000
MOST_DESCRIPTORS_GROWTH = 10
MOST_THREADS_GROWTH = 4
LEAST_READINGS = 900
"""One a second: in a third of a shorter run, a single fault that takes long makes the median."""
MOST_NODE_MB = 1000.0
MOST_DISK_MB = 1500.0


@dataclass(frozen=True)
class Event:
    """A fault: when it began, and how long after it was lifted new frames were seen; None for never."""

    at_s: float
    fault: str
    extent: str
    live_s: float | None
    all_s: float | None

    @property
    def is_hang(self) -> bool:
        """Whether a viewer saw no new frame for HANG_S."""
        return self.all_s is None

    @property
    def line(self) -> str:
        """What it was, as a line."""
        live, everybody = ("never" if value is None else f"{value:.1f} s" for value in (self.live_s, self.all_s))
        extent = f" ({self.extent})" if self.extent else ""
        return f"{self.at_s:6.0f} s  {self.fault}{extent}: live after {live}, all after {everybody}"


@dataclass(frozen=True)
class Verdict:
    """Whether a promise held, and the figures behind that."""

    promise: str
    holds: bool
    figures: str


def verdicts(events: list[Event], streams: Streams, problems: list[str]) -> list[Verdict]:
    """Judge what became of the frames, and of those who carry them."""
    hangs = [event.line for event in events if event.is_hang]
    unseen_live, unseen_film = streams.unseen()
    audiences = zip(streams.watched, streams.audiences, strict=True)
    repeated = {name: len(audience.numbers.repeated()) for name, audience in audiences}
    return [
        Verdict("all ran to their end", not problems, "; ".join(problems) or "5 of 5"),
        Verdict(f"no hang of {HANG_S:g} s", not hangs, "; ".join(hangs) or f"0 in {len(events)} faults"),
        _seen("camera", streams.live, unseen_live),
        _seen("film", streams.film, unseen_film),
        _film_whole(streams),
        Verdict("no frame shown twice", not any(repeated.values()), _pairs(repeated)),
        *(_published(name, stats) for name, stats in (("camera", streams.live), ("film", streams.film))),
        *_watched(streams),
    ]


def _seen(name: str, receipts: Receipts, unseen: list[int]) -> Verdict:
    figures = f"{len(receipts.acknowledged)} acknowledged, {len(unseen)} of them never shown {unseen[:5] or ''}"
    return Verdict(f"no acknowledged frame lost ({name})", not unseen and len(receipts.acknowledged) > 0, figures)


def _film_whole(streams: Streams) -> Verdict:
    captured, shown = streams.film.captured, len(streams.film_viewer.numbers)
    whole = captured == shown == len(streams.film.acknowledged) and streams.film_viewer.is_in_order
    order = "in order" if streams.film_viewer.is_in_order else "NOT in order"
    return Verdict("every frame of the film, in order", whole, f"{captured} captured, {shown} shown, {order}")


def _published(name: str, stats: Receipts) -> Verdict:
    holds = stats.captured == stats.published + stats.dropped.total()
    figures = f"captured {stats.captured}, published {stats.published}, dropped {_pairs(stats.dropped)}"
    return Verdict(f"captured = published + dropped ({name})", holds, figures)


def _watched(streams: Streams) -> list[Verdict]:
    return [
        Verdict(
            f"received = shown + dropped ({name})",
            stats.received == stats.shown + stats.dropped.total(),
            f"received {stats.received}, shown {stats.shown}, dropped {_pairs(stats.dropped)}",
        )
        for name, stats in streams.watched.items()
    ]


def resources(gauge: Gauge, before: Reading, after: Reading) -> list[Verdict]:
    """Judge what was used, with looks at this process from before the start and after the end."""
    memory = [reading["memory_mb"] for reading in gauge.readings]
    descriptors = [float(reading["descriptors"]) for reading in gauge.readings]
    threads = [float(reading["threads"]) for reading in gauge.readings]
    is_short = len(gauge.readings) < LEAST_READINGS
    return [
        _flat("memory", memory, MOST_MEMORY_GROWTH_MB, is_short, " MB"),
        _flat("objects", gauge.objects, MOST_OBJECTS_GROWTH, is_short),
        _flat("descriptors", descriptors, MOST_DESCRIPTORS_GROWTH, is_short),
        _flat("threads", threads, MOST_THREADS_GROWTH, is_short),
        Verdict(
            "nothing left open at the end",
            after["descriptors"] <= before["descriptors"] + MOST_DESCRIPTORS_GROWTH
            and after["threads"] <= before["threads"] + MOST_THREADS_GROWTH,
            f"descriptors {before['descriptors']} before, {after['descriptors']} after; "
            f"threads {before['threads']} before, {after['threads']} after",
        ),
        _bounded("node's memory", gauge.node_mb, MOST_NODE_MB),
        _bounded("node's disk", gauge.disk_mb, MOST_DISK_MB),
    ]


def _flat(what: str, values: Sequence[float], most: float, is_short: bool, unit: str = "") -> Verdict:
    grown = growth(values)
    figures = f"{grown:+.1f}{unit} from the second third to the last, at most {max(values, default=0):.0f}{unit}"
    if is_short:
        figures += "; too short a run to judge"
    return Verdict(f"{what} flat (at most +{most:g}{unit})", is_short or grown <= most, figures)


def _bounded(what: str, value: float, most: float) -> Verdict:
    return Verdict(f"{what} below {most:.0f} MB", value <= most, f"at most {value:.0f} MB")


def _pairs(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "0"


def recoveries(events: list[Event]) -> list[list[str]]:
    """Return a row per kind of fault: its name, how often it was done, and p50 and largest recovery in seconds."""
    rows = []
    for fault in sorted({event.fault for event in events}):
        same = [event for event in events if event.fault == fault]
        columns = [_spread(same, lambda event: event.live_s), _spread(same, lambda event: event.all_s)]
        rows.append([fault, str(len(same)), *columns])
    return rows


def _spread(events: list[Event], value: Callable[[Event], float | None]) -> str:
    values = [HANG_S if (seconds := value(event)) is None else seconds for event in events]
    return f"{statistics.median(values):.1f} / {max(values):.1f}"


def markdown(heading: str, events: list[Event], judged: list[Verdict]) -> str:
    """Return the report as Markdown."""
    found = [["holds" if verdict.holds else "FAILS", verdict.promise, verdict.figures] for verdict in judged]
    return "\n".join(
        [
            f"# {heading}",
            "",
            *_table(["fault", "times", "live again, p50 / max s", "all again, p50 / max s"], recoveries(events)),
            "",
            *_table(["", "promise", "figures"], found),
            "",
        ]
    )


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def save(folder: Path, text: str, events: list[Event], judged: list[Verdict], gauge: Gauge) -> None:
    """Write the report for people and for programs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "soak.md").write_text(text, encoding="utf-8")
    everything = {
        "verdicts": [asdict(verdict) for verdict in judged],
        "events": [asdict(event) for event in events],
        "readings": gauge.readings,
        "objects": gauge.objects,
    }
    (folder / "soak.json").write_text(json.dumps(everything, indent=1), encoding="utf-8")
