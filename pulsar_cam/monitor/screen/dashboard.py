"""All that the monitor sees on one screen: states, probes, stream, topic and sessions, with their past."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from ...measure.stages import Percentiles
from ...text import printable, size_text
from ..view import ProbeView, SubscriptionView, TopicView, View
from .sparkline import sparkline
from .table import STYLES

MOST_VIEWS = 120
"""More views than there is room for in any of its lines."""

_WIDE = 96
_LEAST_SUBSCRIPTIONS = 2
_MOST_ADVICE = 2
_LARGE_BACKLOG = 100  # some seconds of frames


def dashboard(history: Sequence[View]) -> RenderableType:
    """Return one screen about the newest view, with the ones before it as sparklines.

    It fits 100 columns and 30 rows, and leaves things out where there is less.

    Args:
        history: views in their order, at least one.
    """
    return _Dashboard(history)


class _Dashboard:
    """Draws itself when it is known how much room there is."""

    def __init__(self, history: Sequence[View]) -> None:
        self._history, self._view = history, history[-1]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self._width, self._is_ascii = options.max_width, options.ascii_only
        self._is_wide = self._width >= _WIDE
        sections = [self._parts(), self._probes(), self._stream(), self._topic(), self._sessions()]
        room = options.max_height - 1 - self._headline_rows - sum(section.row_count for section in sections)
        advice = self._advice(min(_MOST_ADVICE, room - _LEAST_SUBSCRIPTIONS))
        if advice.row_count:
            sections.append(advice)
            room -= advice.row_count
        subscriptions = self._subscriptions(max(_LEAST_SUBSCRIPTIONS, room - len(sections)))
        room -= subscriptions.row_count
        yield from self._headline()
        for section in sections:
            if room > 0:
                yield Text("")
                room -= 1
            yield section
            if section is sections[3]:
                yield subscriptions

    @property
    def _headline_rows(self) -> int:
        return 2 if self._view.worst and self._view.worst.change else 1

    def _headline(self) -> RenderResult:
        view = self._view
        says = printable(view.reason, 300) or "all is well"
        line = Text(f" {view.state} ", style=f"reverse bold {STYLES[view.state]}", no_wrap=True, overflow="ellipsis")
        yield line.append(f" {says}", style="not reverse bold default").append(
            f"  {self._since()}", style="not reverse not bold dim default"
        )
        if view.worst and view.worst.change:
            yield _cropped(f" -> {printable(view.worst.change, 300)}", "bold")

    def _since(self) -> str:
        """Return since when the state is what it is."""
        same = len(self._history)
        while same and self._history[same - 1].state == self._view.state:
            same -= 1
        first = self._history[min(same, len(self._history) - 1)]
        clock = time.strftime("%H:%M:%S", time.localtime(first.at_ns / 1e9))
        lasts_s = max(0, self._view.at_ns - first.at_ns) / 1e9
        return f"since {clock}{'' if same else ' or before'}, {lasts_s:.0f} s"

    def _parts(self) -> Table:
        parts = _grid(10, 9, None)
        for finding in self._view.findings:
            state = Text(finding.state, style=STYLES[finding.state])
            parts.add_row(_cropped(finding.check, "bold"), state, _cropped(printable(finding.says, 300)))
            if finding.change and finding is not self._view.worst:
                parts.add_row("", "", _cropped(f"-> {printable(finding.change, 300)}", "dim"))
        return parts

    def _probes(self) -> Table:
        """Return a row for each probe; its sparkline is of what it took from end to end."""
        names = ("receipt", "end to end", "p50", "p95", "p99", "lost", "refused")
        columns = [
            (name, index) for index, name in enumerate(names) if self._is_wide or name not in ("p99", "refused")
        ]
        probes = _grid(23, *(max(6, len(name)) for name, _ in columns), None)
        for column in probes.columns[1:-1]:
            column.justify = "right"
        heads = [_cropped(name, "dim") for name, _ in columns]
        probes.add_row(_cropped("probes, in ms", "bold"), *heads, "")
        used = 23 + sum(max(6, len(name)) + 1 for name, _ in columns) + 1
        for number, probe in enumerate(self._view.probes):
            cells = _measured(probe)
            past = self._past(lambda view, number=number: _nth(view, number))  # type: ignore[misc]
            spark = self._spark(past, self._width - used)
            probes.add_row(_cropped(f"  {probe.name}"), *(_cropped(cells[index]) for _, index in columns), spark)
        return probes

    def _stream(self) -> Table:
        width = 12 if self._is_wide else 6
        stream, row = self._view.stream, _grid(10, 9, width, 19, width, None)
        if not stream.frames:
            only = _grid(10, None)
            only.add_row(
                _cropped("stream", "bold"), _cropped(printable(stream.notice, 200) or "no frames yet", "dim")
            )
            return only
        row.add_row(
            _cropped("stream", "bold"),
            _cropped(f"{stream.fps:.1f} fps"),
            self._spark(self._past(lambda view: view.stream.fps), width),
            _cropped(f"age {_three(stream.age_ms)} ms"),
            self._spark(self._past(lambda view: view.stream.age_ms["p50"]), width),
            _cropped(f"{printable(stream.picture, 40)}  missing {stream.missing}  {printable(stream.notice, 60)}"),
        )
        return row

    def _topic(self) -> Table:
        topic, row = self._view.topic, _grid(10, None)
        row.add_row(
            _cropped("topic", "bold"), _cropped(_traffic(topic) if topic else "not known", "" if topic else "dim")
        )
        if topic:
            row.add_row("", _cropped(_kept(topic)))
        return row

    def _subscriptions(self, most: int) -> Table:
        """Return a row for each subscription, those with the largest backlog first."""
        rows = _grid(23, 10, 16, 12, 10, None)
        topic = self._view.topic
        subscriptions = sorted(topic.subscriptions, key=lambda each: -each.backlog) if topic else []
        shown = subscriptions if len(subscriptions) <= most else subscriptions[: most - 1]
        for each in shown:
            rows.add_row(
                _cropped(f"  {printable(each.name, 40)}"),
                _cropped(_count(each.consumers, "viewer")),
                _cropped(f"backlog {each.backlog}", "yellow" if each.backlog > _LARGE_BACKLOG else ""),
                self._spark(self._past(lambda view, name=each.name: _backlog(view, name)), 12),  # type: ignore[misc]
                _cropped(f"{each.out_per_s:.1f}/s"),
                _cropped("durable" if each.is_durable else "", "dim"),
            )
        if len(subscriptions) > len(shown):
            rows.add_row(_cropped(f"  and {len(subscriptions) - len(shown)} more", "dim"))
        return rows

    def _sessions(self) -> Table:
        width = 12 if self._is_wide else 6
        view, row = self._view, _grid(10, 52 if self._is_wide else 44, width, None)
        row.add_row(
            _cropped("sessions", "bold"),
            _cropped(f"opened in {_three(view.connects_ms)} ms; a quiet one for {view.idle_s:.0f} s"),
            self._spark(self._past(lambda view: view.connect_ms), width),
            _cropped(f"reconnected {_count(view.reconnects, 'time')}"),
        )
        return row

    def _advice(self, most: int) -> Table:
        rows = _grid(10, None)
        for each in self._view.advice[: max(0, most)]:
            rows.add_row(_cropped("advice", "bold"), _cropped(printable(each.says, 300)))
        return rows

    def _past(self, value: Callable[[View], float | None]) -> list[float | None]:
        return [value(view) for view in self._history]

    def _spark(self, values: list[float | None], width: int) -> Text:
        return sparkline(values, width, ascii_only=self._is_ascii)


def _grid(*widths: int | None) -> Table:
    """Return a table of columns with these widths, in characters; the one without a number takes what is left."""
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    for width in widths:
        grid.add_column(width=width, ratio=None if width else 1, no_wrap=True, overflow="ellipsis")
    return grid


def _cropped(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _measured(probe: ProbeView) -> tuple[str, ...]:
    last = (probe.receipt_ms, probe.end_to_end_ms, *probe.ends_to_ends_ms.values())
    return (*map(_ms, last), str(probe.lost), str(probe.refused))


def _nth(view: View, number: int) -> float | None:
    return view.probes[number].end_to_end_ms if number < len(view.probes) else None


def _backlog(view: View, name: str) -> float | None:
    found: list[SubscriptionView] = [
        each for each in (view.topic.subscriptions if view.topic else ()) if each.name == name
    ]
    return float(found[0].backlog) if found else 0.0


def _traffic(topic: TopicView) -> str:
    coming = f"in {topic.in_per_s:.1f}/s {size_text(topic.in_bytes_per_s)}/s"
    going = f"out {topic.out_per_s:.1f}/s {size_text(topic.out_bytes_per_s)}/s"
    return f"{_count(topic.publishers, 'publisher')}, {_count(topic.consumers, 'viewer')}  {coming}  {going}"


def _kept(topic: TopicView) -> str:
    limit = f" of {size_text(topic.backlog_limit_bytes)}" if topic.backlog_limit_bytes is not None else ""
    partitions = f"  {_count(topic.partitions, 'partition')}" if topic.partitions else ""
    return f"on disk {size_text(topic.storage_bytes)}  backlog {size_text(topic.backlog_bytes)}{limit}{partitions}"


def _three(percentiles: Percentiles) -> str:
    return "/".join(_ms(value) for value in percentiles.values())


def _ms(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:.0f}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
