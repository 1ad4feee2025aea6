"""One kind of probe: what its messages took, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from ...measure.stages import Durations
from ..view import ProbeView, Session
from .policy import Policy

_MOST_SAMPLES = 120  # ten minutes at the usual interval


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message to ourselves.

    Attributes:
        receipt_ms: from sending to the node's receipt; None if there was none in time, or it was a refusal.
        end_to_end_ms: from sending to its arrival; None if it did not come in time.
        problem: what went wrong; empty if nothing did.
    """

    receipt_ms: float | None = None
    end_to_end_ms: float | None = None
    problem: str = ""


class Probe:
    """Counts and judges the messages of one size through one kind of session.

    Attributes:
        policy: the judgement.
        sent, lost, refused, late, repeated, out_of_order: as in `ProbeView`.
    """

    def __init__(self, session: Session, payload_bytes: int, is_persistent: bool, budget_ms: float) -> None:
        self.session, self.payload_bytes, self.is_persistent = session, payload_bytes, is_persistent
        self.policy, self._budget_ms = Policy(budget_ms), budget_ms
        self.sent = self.lost = self.refused = self.late = self.repeated = self.out_of_order = 0
        self._last = Outcome()
        self._receipts, self._ends_to_ends = Durations(_MOST_SAMPLES), Durations(_MOST_SAMPLES)

    def begin_round(self) -> None:
        """Forget the last outcome: nothing is known of this round yet."""
        self._last = Outcome()

    def settle(self, outcome: Outcome) -> None:
        """Count and judge what became of a message."""
        self.sent += 1
        self._last = outcome
        if outcome.receipt_ms is None:
            self.refused += 1
        else:
            self._receipts.add(round(outcome.receipt_ms * 1e6))
        if outcome.problem or outcome.end_to_end_ms is None:
            self.lost += outcome.receipt_ms is not None
            self.policy.failed(outcome.problem)
            return
        self._ends_to_ends.add(round(outcome.end_to_end_ms * 1e6))
        self.policy.succeeded(outcome.end_to_end_ms)

    def view(self) -> ProbeView:
        """Return what is known now."""
        return ProbeView(
            session=self.session,
            payload_bytes=self.payload_bytes,
            is_persistent=self.is_persistent,
            budget_ms=self._budget_ms,
            receipt_ms=_rounded(self._last.receipt_ms),
            end_to_end_ms=_rounded(self._last.end_to_end_ms),
            receipts_ms=self._receipts.percentiles_ms(),
            ends_to_ends_ms=self._ends_to_ends.percentiles_ms(),
            sent=self.sent,
            lost=self.lost,
            refused=self.refused,
            late=self.late,
            repeated=self.repeated,
            out_of_order=self.out_of_order,
        )


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)
