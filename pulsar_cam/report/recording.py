"""One command's part of a recording, read line by line and kept in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from ..errors import InvalidOption
from ..text import load_json, printable
from .samples import OF, Condition, Count, Note, Percentile, Point, Sample
from .series import SEVERITIES, Events, Series, States, Total
from .values import Values

_LONGEST_LINE = 1024 * 1024
_MOST_NAMES = 64


@dataclass(slots=True)
class Recording:
    """What one command wrote.

    Attributes:
        name: of the file.
        command: such as ``publish``.
        plots: for each kind of plot, series by their name and percentile.
        states: how each part was over time.
        totals: counters by name; those of drops begin with ``dropped``.
        last: the last of each percentile that had a value, by plot.
        highest: the highest value of each plot.
        down_s: for how long some part had a problem.
        problems: what is wrong with the file, as sentences.
    """

    name: str
    command: str
    lines: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    plots: dict[str, dict[tuple[str, Percentile], Series]] = field(default_factory=dict)
    states: dict[str, States] = field(default_factory=dict)
    totals: dict[str, Total] = field(default_factory=dict)
    last: dict[tuple[str, Percentile], float] = field(default_factory=dict)
    highest: dict[str, float] = field(default_factory=dict)
    events: Events = field(default_factory=Events)
    down_s: float = 0.0
    problems: list[str] = field(default_factory=list)
    _is_down: bool = False

    def follow(self, at_s: float, line: Values) -> None:
        """Take the next line."""
        if not self.lines:
            self.first_s = self.last_s = at_s
        if self._is_down:
            self.down_s += max(0.0, at_s - self.last_s)
        self.first_s, self.last_s = min(self.first_s, at_s), max(self.last_s, at_s)
        self.lines += 1
        samples = list(OF[self.command](line))
        if line.text("event") == "summary":  # the end: the sessions are closed, on purpose
            samples = [sample for sample in samples if isinstance(sample, Count)]
        for sample in samples:
            self._take(at_s, sample)
        self._is_down = any(isinstance(each, Condition) and each.state == "problem" for each in samples)

    def _take(self, at_s: float, sample: Sample) -> None:
        if isinstance(sample, Point):
            self._draw(at_s, sample)
        elif isinstance(sample, Count) and sample.value is not None and _has_room(self.totals, sample.name):
            rate = self.totals.setdefault(sample.name, Total()).add(at_s, sample.value)
            if sample.plot:
                self._draw(at_s, Point(sample.plot, rate, sample.name.removeprefix("dropped ")))
        elif isinstance(sample, Condition) and sample.state in SEVERITIES and _has_room(self.states, sample.part):
            self.states.setdefault(sample.part, States()).add(at_s, sample.state)
            self.events.note(at_s, sample.part, sample.state, f"{sample.state}{sample.says and ': '}{sample.says}")
        elif isinstance(sample, Note) and sample.text:
            self.events.note(at_s, sample.name, sample.text, sample.text)

    def _draw(self, at_s: float, point: Point) -> None:
        plot = self.plots.setdefault(point.plot, {})
        name = (point.series, point.percentile)
        if not _has_room(plot, name):
            return
        plot.setdefault(name, Series()).add(at_s, point.value)
        if point.value is not None:
            self.last[point.plot, point.percentile] = point.value
            self.highest[point.plot] = max(point.value, self.highest.get(point.plot, point.value))


def read(file: BinaryIO, name: str) -> list[Recording]:
    """Return what each command wrote into a file of JSON lines.

    Lines that are something else are counted and left out, and a last one that was cut off is said.

    Raises:
        InvalidOption: nothing in it was recorded by pulsar-cam.
        OSError: it cannot be read.
    """
    recordings: dict[str, Recording] = {}
    strange = others = 0
    cut_off = False
    for text in _lines_of(file, name):
        try:
            line = Values(load_json(text))
        except ValueError:
            cut_off = not text.endswith(b"\n")
            strange += not cut_off
            continue
        command, at_s = line.text("command"), line.moment_s("at")
        if command in OF and at_s is not None:
            recordings.setdefault(command, Recording(printable(name, 60), command)).follow(at_s, line)
        else:
            others += 1
    if not recordings:
        raise InvalidOption("files", name, _nothing_in_it(strange, others, cut_off))
    next(iter(recordings.values())).problems += _problems(strange, others, cut_off)
    return list(recordings.values())


def _lines_of(file: BinaryIO, name: str) -> Iterator[bytes]:
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise InvalidOption("files", name, f"line {number} is longer than 1 MiB, so this is not a recording")
        if line.strip():
            yield line


def _nothing_in_it(strange: int, others: int, cut_off: bool) -> str:
    hint = "record with: pulsar-cam watch --json > FILE"
    if others:
        return f"none of its {others} JSON lines has a command and a time of pulsar-cam's in it; {hint}"
    return f"it holds no JSON lines; {hint}" if strange or cut_off else f"it is empty; {hint}"


def _problems(strange: int, others: int, cut_off: bool) -> list[str]:
    found = (
        (strange, f"{_lines(strange)} not JSON and left out"),
        (others, f"{_lines(others)} not of pulsar-cam and left out"),
        (cut_off, "the last line was cut off, as when a run is killed"),
    )
    return [sentence for is_so, sentence in found if is_so]


def _lines(count: int) -> str:
    return f"{count} line is" if count == 1 else f"{count} lines are"


def _has_room(
    names: dict[str, Total] | dict[str, States] | dict[tuple[str, Percentile], Series], name: object
) -> bool:
    return name in names or len(names) < _MOST_NAMES
