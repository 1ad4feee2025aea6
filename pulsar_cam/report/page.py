"""The page of a report: one file that asks nothing of any network, and runs no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from .plots import Plot, bars_of, label, plots_of
from .recording import Recording

# Plots are inline and styled by attributes; nothing else is allowed, whatever a recording holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_COLUMNS = (
    "recording",
    "from (UTC)",
    "span",
    "frames",
    "dropped or missing",
    "age p50 / p95 / p99",
    "downtime",
    "remarks",
)


def page_of(recordings: Sequence[Recording], made_at_s: float) -> str:
    """Return the page.

    Args:
        made_at_s: Unix time in seconds, for its heading.

    Raises:
        DependencyMissing: there is no matplotlib.
    """
    bars = bars_of(recordings)
    drawings = "".join(_figure(plot) for plot in plots_of(recordings))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>pulsar-cam report</title>
<style>
{Path(__file__).with_name("page.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<h1>pulsar-cam report</h1>
<p>Made {_moment(made_at_s)} UTC. All times are UTC. Ages and stages are of the last 4096 frames at each moment.</p>
{_table(_COLUMNS, (_summary(each) for each in recordings))}
<h2>Over time</h2>
<div class="plots">
{_figure(bars, "wide") if bars else ""}{drawings}</div>
{_events(recordings)}
</body>
</html>
"""


def _summary(recording: Recording) -> tuple[str, ...]:
    span_s = recording.last_s - recording.first_s
    remarks = [*_reconnected(recording), *recording.problems]
    return (
        label(recording),
        _moment(recording.first_s),
        _duration(span_s),
        _frames(recording),
        _drops(recording),
        _ages(recording),
        f"{_duration(recording.down_s)}{f' ({recording.down_s / span_s:.1%})' if span_s else ''}",
        "; ".join(remarks) or "-",
    )


def _frames(recording: Recording) -> str:
    words = {"publish": ("published", "captured"), "monitor": ("seen", "")}
    done, of = words.get(recording.command, ("shown", "received"))
    total = recording.totals.get(of)
    return f"{_total(recording, 'frames'):,.0f} {done}" + (f" of {total.total:,.0f} {of}" if total else "")


def _drops(recording: Recording) -> str:
    reasons = {
        name: each.total for name, each in recording.totals.items() if name.startswith("dropped ") and each.total
    }
    missing = _total(recording, "missing")
    parts = [f"{name.removeprefix('dropped ')} {count:,.0f}" for name, count in reasons.items()]
    return ", ".join([*parts, *([f"missing {missing:,.0f}"] if missing else [])]) or "none"


def _ages(recording: Recording) -> str:
    values = [recording.last.get(("age", each)) for each in ("p50", "p95", "p99")]
    if None in values:
        return "-"
    shown = " / ".join(f"{value:.0f}" for value in values)
    return f"{shown} ms; p99 up to {recording.highest['age']:,.0f} ms"


def _reconnected(recording: Recording) -> list[str]:
    times = _total(recording, "reconnects")
    return [f"reconnected {'once' if times == 1 else f'{times:.0f} times'}"] if times else []


def _total(recording: Recording, name: str) -> float:
    return recording.totals[name].total if name in recording.totals else 0.0


def _events(recordings: Sequence[Recording]) -> str:
    told = [(each, event) for each in recordings for event in (*each.events.first, *each.events.last)]
    if not told:
        return ""
    told.sort(key=lambda one: one[1].at_s)
    left_out = sum(each.events.count for each in recordings) - len(told)
    more = f"<p>{left_out:,} more in between are left out.</p>" if left_out else ""
    rows = ((_moment(event.at_s), label(each), event.what, event.says) for each, event in told)
    return f"<h2>What changed</h2>\n{_table(('time', 'recording', 'part', 'became'), rows)}{more}"


def _figure(plot: Plot, kind: str = "") -> str:
    keys = "".join(f'<li><i style="background:{colour}"></i>{escape(name)}</li>' for colour, name in plot.legend)
    return f'<figure class="{kind}"><figcaption>{escape(plot.title)}</figcaption><ul>{keys}</ul>{plot.svg}</figure>\n'


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(map(_cell, columns, row))}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>\n"


def _cell(column: str, text: str) -> str:
    return f'<td data-name="{column}">{escape(text)}</td>'


def _moment(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}"


def _duration(seconds: float) -> str:
    """Return a duration in its largest unit, which is never on the next line."""
    if seconds < 120:
        return f"{seconds:.0f}\u00a0s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.0f}\u00a0min" if minutes < 120 else f"{hours:.1f}\u00a0h"
