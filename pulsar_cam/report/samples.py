"""What the JSON lines of each command say: values for the plots, states for the bars, and what is worth a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..text import size_text
from .values import Values

Percentile: TypeAlias = Literal["", "p50", "p95", "p99"]
_ALL: tuple[Percentile, ...] = ("p50", "p95", "p99")
_SESSIONS = {"connected": "ok", "connecting": "skipped"}
_OUTER: tuple[Percentile, ...] = ("p50", "p99")


@dataclass(frozen=True, slots=True)
class Point:
    """A value in a plot; None where there is none at that moment."""

    plot: str
    value: float | None
    series: str = ""
    percentile: Percentile = ""


@dataclass(frozen=True, slots=True)
class Count:
    """What a counter says; with a plot, by how much a second it grows is drawn there."""

    name: str
    value: float | None
    plot: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """The state of a part, and why."""

    part: str
    state: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A text of which every change is worth a line."""

    name: str
    text: str


Sample: TypeAlias = Point | Count | Condition | Note


def of_publish(line: Values) -> Iterator[Sample]:
    """Yield what a line of ``publish`` says."""
    yield from _of_session(line)
    yield Count("frames", line.number("published"))
    yield Count("captured", line.number("captured"))
    yield Point("flight", line.number("in_flight"), "in flight")
    yield Point("flight", line.number("window"), "window")
    yield Point("setting", line.number("setting", "quality"), "quality")
    yield Point("setting", _times(100, line.number("setting", "scale")), "scale, %")
    yield Point("setting", line.number("setting", "fps"), "fps")
    yield Note("setting", ", ".join(f"{name} {value.number():g}" for name, value in _numbers(line, "setting")))
    trouble = line.text("camera", "trouble")
    yield Condition("camera", "problem" if trouble else "ok", trouble)


def of_watch(line: Values) -> Iterator[Sample]:
    """Yield what a line of ``watch`` or ``demo`` says."""
    yield from _of_session(line)
    yield Count("frames", line.number("shown"))
    yield Count("received", line.number("received"))
    yield Count("missing", line.number("missing"), "drops")
    yield from _percentiles("age", line, "age_ms", "", _ALL)
    yield Point("reconnects", line.number("jumps"), "jumps to live")
    has_begun, fps = line.number("shown"), line.number("fps")
    state = "ok" if fps else "problem" if has_begun else "skipped"
    yield Condition("frames", state, line.text("notice") or ("" if fps else "none is shown"))


def of_monitor(line: Values) -> Iterator[Sample]:
    """Yield what a line of ``monitor`` says."""
    yield Condition("all", line.text("state"), line.text("reason"))
    for finding in line.rows("findings"):
        yield Condition(finding.text("check"), finding.text("state"), finding.text("says"))
    for probe in line.rows("probes"):
        name = _probe_name(probe)
        yield Point("receipts", probe.number("receipt_ms"), name)
        yield Point("ends", probe.number("end_to_end_ms"), name)
    yield Point("receipts", line.number("connect_ms"), "opening a session")
    yield Point("reconnects", line.number("reconnects"), "reconnections")
    yield Point("fps", line.number("stream", "fps"))
    yield from _percentiles("age", line, "stream", "age_ms", _ALL)
    yield Count("frames", line.number("stream", "frames"))
    yield Count("missing", line.number("stream", "missing"), "drops")
    yield Count("reconnects", line.number("reconnects"))
    for subscription in line.rows("topic", "subscriptions"):
        yield Point("backlog", subscription.number("backlog"), subscription.text("name"))


OF: dict[str, Callable[[Values], Iterator[Sample]]] = {
    "publish": of_publish,
    "watch": of_watch,
    "demo": of_watch,
    "monitor": of_monitor,
}
"""By the name of the command."""


def _of_session(line: Values) -> Iterator[Sample]:
    """Yield what publishers and viewers have in common."""
    status = line.text("status")
    yield Condition("session", _SESSIONS.get(status, "problem"), status)
    yield Point("fps", line.number("fps"))
    yield Point("reconnects", line.number("reconnects"), "reconnections")
    yield Count("reconnects", line.number("reconnects"))
    for reason, count in line.items("dropped"):
        yield Count(f"dropped {reason}", count.number(), "drops")
    for stage, _ in line.items("stages_ms"):
        yield from _percentiles("stages", line, "stages_ms", stage, _OUTER, stage)


def _percentiles(
    plot: str, line: Values, key: str, inner: str, wanted: tuple[Percentile, ...], series: str = ""
) -> Iterator[Point]:
    keys = (key, inner) if inner else (key,)
    for percentile in wanted:
        yield Point(plot, line.number(*keys, percentile), series, percentile)


def _numbers(line: Values, key: str) -> list[tuple[str, Values]]:
    return [(name, value) for name, value in line.items(key) if value.number() is not None]


def _probe_name(probe: Values) -> str:
    size = probe.number("payload_bytes") or 0
    return f"{probe.text('session')} {size_text(size)}{'' if probe.is_true('is_persistent') else ', not stored'}"


def _times(factor: float, number: float | None) -> float | None:
    return None if number is None else factor * number
