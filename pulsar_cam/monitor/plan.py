"""What a monitor does, how often, and what it takes for slow."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from math import inf

from ..errors import InvalidOption

_LEAST_INTERVAL_S, _MOST_INTERVAL_S = 1.0, 3600.0
_MOST_PATIENCE_S = 10.0
_MOST_SIZES = 8
_LARGEST_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices of one run.

    Attributes:
        interval_s: a round of probes begins each so many seconds.
        patience_s: what has not come, or not answered, within so many seconds of a round, has failed.
        probe_sizes: payloads of the probes, in bytes.
        budgets_ms: a probe that takes longer from end to end is too slow; one for each size, or one for all.
        expects_stream: whether a topic without frames is a problem.
        applies: whether the safe part of the advice is carried out.
    """

    interval_s: float = 5.0
    patience_s: float = 4.0
    probe_sizes: tuple[int, ...] = (1_000, 50_000, 200_000)
    budgets_ms: tuple[float, ...] = (250.0,)
    expects_stream: bool = False
    applies: bool = False

    @classmethod
    def of(
        cls, interval_s: float, probe_sizes: tuple[int, ...], budgets_ms: tuple[float, ...], expects_stream: bool
    ) -> Plan:
        """Return a plan whose patience fits its interval.

        Raises:
            InvalidOption: what cannot work.
        """
        if not _LEAST_INTERVAL_S <= interval_s <= _MOST_INTERVAL_S:
            expected = f"expected {_LEAST_INTERVAL_S:g} to {_MOST_INTERVAL_S:g} seconds"
            raise InvalidOption("interval_s", interval_s, expected)
        if not 1 <= len(probe_sizes) <= _MOST_SIZES or not all(1 <= size <= _LARGEST_BYTES for size in probe_sizes):
            expected = f"expected 1 to {_MOST_SIZES} sizes in bytes, each at most {_LARGEST_BYTES}"
            raise InvalidOption("probe_sizes", _listed(probe_sizes), expected)
        if len(budgets_ms) not in (1, len(probe_sizes)) or not all(0 < budget_ms < inf for budget_ms in budgets_ms):
            expected = f"expected milliseconds, more than 0: one number, or one for each of {_listed(probe_sizes)}"
            raise InvalidOption("budgets_ms", _listed(budgets_ms), expected)
        budgets = sorted(dict(zip(probe_sizes, cycle(budgets_ms), strict=False)).items())
        patience_s = min(_MOST_PATIENCE_S, 0.8 * interval_s)
        sizes, of_sizes = zip(*budgets, strict=True)
        return cls(interval_s, patience_s, sizes, of_sizes, expects_stream)

    @property
    def probes(self) -> list[tuple[int, float]]:
        """The size of each probe, in bytes, with its budget, in milliseconds."""
        return list(zip(self.probe_sizes, cycle(self.budgets_ms), strict=False))


def _listed(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:.10g}" for value in values)
