"""What a run of the monitor comes to: sums over its views."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..view import View


class Totals:
    """Adds up views.

    Attributes:
        rounds: how many there were.
        problem_rounds: how many of them had a problem, by the part that mattered most.
        last: the newest view; None before the first.
    """

    def __init__(self) -> None:
        self.rounds = 0
        self.problem_rounds: Counter[str] = Counter()
        self.last: View | None = None

    def add(self, view: View) -> None:
        """Count a view."""
        self.rounds += 1
        if view.worst and view.state == "problem":
            self.problem_rounds[view.worst.check] += 1
        self.last = view

    @property
    def sentence(self) -> str:
        """How it went, as a sentence without its time."""
        sums = self._sums
        reasons = ", ".join(f"{part} {count}" for part, count in self.problem_rounds.most_common())
        problems = f"{self.problem_rounds.total()} with a problem ({reasons})" if reasons else "no problem"
        return (
            f"{self.rounds} rounds, {problems}; sent {sums['sent']} probes, lost {sums['lost']}, "
            f"refused {sums['refused']}, late {sums['late']}, repeated {sums['repeated']}, "
            f"out of order {sums['out_of_order']}; reconnected {self._reconnects} times"
        )

    @property
    def _sums(self) -> dict[str, int]:
        probes = self.last.probes if self.last else ()
        names = ("sent", "lost", "refused", "late", "repeated", "out_of_order")
        return {name: sum(getattr(probe, name) for probe in probes) for name in names}

    @property
    def _reconnects(self) -> int:
        return self.last.reconnects if self.last else 0

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "rounds": self.rounds,
            "problem_rounds": dict(self.problem_rounds),
            **self._sums,
            "reconnects": self._reconnects,
            "state": self.last.state if self.last else None,
            "reason": self.last.reason if self.last else "",
        }
