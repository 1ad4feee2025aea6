"""What changes is logged: each part that gets worse, or well again, once, with its reason."""

from __future__ import annotations

import logging

from ...health.finding import Finding, State
from ..view import View

logger = logging.getLogger(__name__)


class ChangeLog:
    """Follows the views of one run. A part that is skipped is not known, and counts as it was before."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._since_ns: dict[str, int] = {}

    def add(self, view: View) -> None:
        """Log what is different in this view."""
        for finding in view.findings:
            before = self._states.get(finding.check, "ok")
            if finding.state not in ("skipped", before):
                self._states[finding.check] = finding.state
                logger.warning("%s", self._sentence(finding, view.at_ns))

    def _sentence(self, finding: Finding, at_ns: int) -> str:
        if finding.state == "ok":
            lasted_s = max(0, at_ns - self._since_ns.pop(finding.check)) / 1e9
            return f"{finding.check}: ok again after {lasted_s:.1f} s: {finding.says}"
        self._since_ns.setdefault(finding.check, at_ns)
        advice = f"; {finding.change}" if finding.change else ""
        return f"{finding.check}: {finding.state}: {finding.says}{advice}"
