"""One view as a table for a person."""

from __future__ import annotations

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ...health.finding import Finding
from ..view import ProbeView, View

STYLES = {"ok": "green", "warning": "yellow", "problem": "red", "skipped": "dim"}


def table(view: View) -> Group:
    """Return all parts of a view, what its probes measured, and the verdict."""
    verdict = Text(f"{view.state}{': ' if view.reason else ''}{view.reason}", style=STYLES[view.state])
    advice = [Text(f"advice: {each.says}") for each in view.advice]
    return Group(_parts(view), _probes(view), *advice, verdict)


def _parts(view: View) -> Table:
    parts = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("part", "state", "says"):
        parts.add_column(name)
    for finding in view.findings:
        parts.add_row(finding.check, Text(finding.state, style=STYLES[finding.state]), _says(finding))
    return parts


def _says(finding: Finding) -> Text:
    return Text(f"{finding.says}\n-> {finding.change}" if finding.change else finding.says)


def _probes(view: View) -> Table:
    probes = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    probes.add_column("probe")
    for name in ("receipt ms", "end to end ms", "p50", "p95", "sent", "lost", "refused"):
        probes.add_column(name, justify="right")
    for probe in view.probes:
        probes.add_row(probe.name, *_values(probe))
    return probes


def _values(probe: ProbeView) -> tuple[str, ...]:
    times = (probe.receipt_ms, probe.end_to_end_ms, probe.ends_to_ends_ms["p50"], probe.ends_to_ends_ms["p95"])
    return (*map(_ms, times), str(probe.sent), str(probe.lost), str(probe.refused))


def _ms(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f}"
