"""Which of our messages came, in which order, and how often: by their numbers, in bounded memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from .probe import Probe

_MOST_REMEMBERED = 1000


@dataclass(slots=True)
class _Sent:
    probe: Probe
    arrival_ns: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    times_came: int = 0


class Arrivals:
    """Knows of each number whether it came, and counts at its probe what is odd about that."""

    def __init__(self) -> None:
        self._next = 0
        self._last_that_came = -1
        self._sent: dict[int, _Sent] = {}

    def expect(self, probe: Probe) -> tuple[int, asyncio.Future[int]]:
        """Return a new number, and the future reading of the clock at its arrival."""
        number, self._next = self._next, self._next + 1
        self._sent[number] = sent = _Sent(probe)
        if len(self._sent) > _MOST_REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return number, sent.arrival_ns

    def came(self, number: int, at_ns: int) -> None:
        """Note that a number came; one that is not ours, or long forgotten, is ignored."""
        sent = self._sent.get(number)
        if not sent:
            return
        sent.times_came += 1
        if sent.times_came > 1:
            sent.probe.repeated += 1
            return
        sent.probe.out_of_order += number < self._last_that_came
        self._last_that_came = max(number, self._last_that_came)
        if sent.arrival_ns.done():  # it was given up
            sent.probe.late += 1
        else:
            sent.arrival_ns.set_result(at_ns)
