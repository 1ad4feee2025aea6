"""Views made by hand."""

from __future__ import annotations

from pulsar_cam.health.finding import Finding, State
from pulsar_cam.monitor.view import View

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


def view(state: State, second: float = 0, part: str = "node") -> View:
    """A view in which one part has a state, and all others are well."""
    says, change = ("connection refused", "start it") if state != "ok" else ("answers", "")
    findings = (Finding(part, state, says, change), Finding("sessions", "ok", "open"))
    return View(findings, at_ns=START_NS + round(second * 1e9))
