"""Whether Pulsar accepts messages on a session that is open, and when one that it accepts nothing on is given up."""

from __future__ import annotations

import time

REFUSED_S, NO_PROGRESS_S = 2.0, 10.0
# The node itself gives up on a message after 30 s and says so; one that says nothing has lost it.
NO_RECEIPT_S = 40.0
_FEW_REFUSALS = 3
_MOST_REFUSED_S = 32.0
_STALLED_S = 4.0


class Acceptance:
    """Refusals since the last message that was accepted, over the sessions of one producer.

    The producer behind a session can be dead while the session lives: its topic was deleted and made again, was given
    a schema, or is full. Only the next session learns why. Where that one accepts nothing either, it is given twice
    the time, up to half a minute.
    """

    def __init__(self) -> None:
        self._refusals = 0
        self._refused_since_s = 0.0
        self._problem = ""
        self._given_up_for = ""
        self._sessions_given_up = 0

    def accept(self) -> None:
        """Note that a message was accepted."""
        self._refusals = self._sessions_given_up = 0
        self._given_up_for = ""

    def refuse(self, problem: str) -> None:
        """Note that one was refused, for a reason in Pulsar's words."""
        if not self._refusals:
            self._refused_since_s = time.monotonic()
        self._refusals += 1
        self._problem = problem

    def give_up(self, reason: str) -> None:
        """Note that the session is given up; the next one begins."""
        self._given_up_for = reason
        self._sessions_given_up += 1
        self._refusals = 0

    def why_stalled(self, waits_s: float, *, link_answers: bool) -> str:
        """Return what keeps the session from being of use, in a few words; empty while it is.

        Args:
            waits_s: how long the oldest message in flight has waited for its receipt.
            link_answers: whether pings are answered promptly, so that the wait is not the link's.
        """
        if self._refusals >= _FEW_REFUSALS:
            return self._refused
        if link_answers and waits_s > _STALLED_S:
            return f"no receipt for {waits_s:.0f} s: the node is slow, or a backlog is full"
        return self._given_up_for

    def reason_to_give_up(self, waits_s: float, *, link_answers: bool) -> str:
        """Return why the next session should be opened; empty while it should not."""
        patience = 2**self._sessions_given_up
        refused_s = time.monotonic() - self._refused_since_s
        if self._refusals >= _FEW_REFUSALS and refused_s >= min(REFUSED_S * patience, _MOST_REFUSED_S):
            return self._refused
        may_wait_s = min(NO_PROGRESS_S * patience, NO_RECEIPT_S) if link_answers else NO_RECEIPT_S
        return f"no receipt for {waits_s:.0f} s" if waits_s > may_wait_s else ""

    @property
    def _refused(self) -> str:
        return f"no message is accepted: {self._problem}"
