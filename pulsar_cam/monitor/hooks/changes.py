"""When the state of a stream has changed: after it held for some intervals, so that flapping says nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from ...health.finding import State
from ...text import utc_text
from ..view import View

HOLD = 2
"""For how many intervals in a row a state must hold before it counts."""

_SEVERITY: dict[State, int] = {"ok": 0, "skipped": 0, "warning": 1, "problem": 2}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of state.

    Attributes:
        state: the state now: ``problem``, ``warning`` or ``ok``.
        before: the state that was reported before.
        part: what fails, such as ``node``; once all is well, what failed before.
        reason: the part and why, such as ``node: connection refused``; empty once all is well.
        change: what to do about it; can be empty.
        clears: the reason that was reported before and no longer holds; empty if there was none.
        downtime_s: for how long there was a problem since all was well.
        at_ns: when the last of those intervals was seen, Unix time in nanoseconds.
    """

    state: State
    before: State
    part: str
    reason: str
    change: str
    clears: str
    downtime_s: float
    at_ns: int

    @property
    def text(self) -> str:
        """The same for a person, such as ``problem: node: connection refused``."""
        cleared = f" (no more: {self.clears})" if self.clears else ""
        down = f" after {self.downtime_s:.0f} s of downtime" if self.downtime_s and self.state != "problem" else ""
        return f"{self.state}{f': {self.reason}' if self.reason else ''}{down}{cleared}"

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        values = asdict(self)
        return {"at": utc_text(values.pop("at_ns")), **values, "text": self.text}


class Changes:
    """Follows the views of a monitor. What was before the first of them counts as ``ok``."""

    def __init__(self, hold: int = HOLD) -> None:
        self._views: deque[View] = deque(maxlen=hold)
        self._reported: State = "ok"
        self._part = self._reason = ""
        self._downtime_ns = 0

    def follow(self, view: View) -> Change | None:
        """Take the next view, and return the change that has held by now, if there is one."""
        self._count_downtime(view)
        self._views.append(view)
        state = self._held()
        return self._change(state) if state != self._reported else None

    def _count_downtime(self, view: View) -> None:
        if self._views and self._views[-1].state == "problem":
            self._downtime_ns += max(0, view.at_ns - self._views[-1].at_ns)
        elif view.state == self._reported == "ok":
            self._downtime_ns = 0

    def _held(self) -> State:
        """Return the least of the last states if all are worse than the reported one, the worst if all are better."""
        if len(self._views) < (self._views.maxlen or 1):
            return self._reported
        states: list[State] = sorted((view.state for view in self._views), key=_SEVERITY.__getitem__)
        reported = _SEVERITY[self._reported]
        if _SEVERITY[states[0]] > reported:
            return states[0]
        return states[-1] if _SEVERITY[states[-1]] < reported else self._reported

    def _change(self, state: State) -> Change:
        worst = next(view for view in reversed(self._views) if view.state == state).worst
        change = Change(
            state=state,
            before=self._reported,
            part=worst.check if worst else self._part,
            reason=f"{worst.check}: {worst.says}" if worst else "",
            change=worst.change if worst else "",
            clears=self._reason,
            downtime_s=round(self._downtime_ns / 1e9, 1),
            at_ns=self._views[-1].at_ns,
        )
        self._reported, self._part, self._reason = state, change.part, change.reason
        if state == "ok":
            self._downtime_ns = 0
        return change
