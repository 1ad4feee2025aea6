"""What a monitor does, how often, and what counts as slow."""

from __future__ import annotations

from dataclasses import dataclass
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
        interval_s: seconds from the beginning of a round of probes to that of the next.
        patience_s: what has not come, or not answered, within this many seconds of a round has failed.
        probe_sizes: payloads of the probes, in bytes.
        budget_ms: a probe that takes longer from end to end is too slow.
        expects_stream: whether a topic without frames is a problem.
        applies: whether the safe part of the advice is carried out.
    """

    interval_s: float = 5.0
    patience_s: float = 4.0
    probe_sizes: tuple[int, ...] = (1_000, 50_000, 200_000)
    budget_ms: float = 250.0
    expects_stream: bool = False
    applies: bool = False

    @classmethod
    def of(cls, interval_s: float, probe_sizes: tuple[int, ...], budget_ms: float, expects_stream: bool) -> Plan:
        """Return a plan whose patience fits its interval, with each size once and the small ones first.

        Raises:
            InvalidOption: what cannot work.
        """
        if not _LEAST_INTERVAL_S <= interval_s <= _MOST_INTERVAL_S:
            expected = f"expected {_LEAST_INTERVAL_S:g} to {_MOST_INTERVAL_S:g} seconds"
            raise InvalidOption("interval_s", interval_s, expected)
        if not 1 <= len(probe_sizes) <= _MOST_SIZES or not all(1 <= size <= _LARGEST_BYTES for size in probe_sizes):
            expected = f"expected 1 to {_MOST_SIZES} sizes in bytes, each at most {_LARGEST_BYTES}"
            raise InvalidOption("probe_sizes", ",".join(f"{size:.10g}" for size in probe_sizes), expected)
        if not 0 < budget_ms < inf:
            raise InvalidOption("budget_ms", budget_ms, "expected milliseconds, more than 0")
        patience_s = min(_MOST_PATIENCE_S, 0.8 * interval_s)
        return cls(interval_s, patience_s, tuple(sorted(set(probe_sizes))), budget_ms, expects_stream)
