"""A metric family: what is measured, in which unit, and by which labels; and what is read for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

PREFIX = "pulsar_cam_"


@dataclass(frozen=True, slots=True)
class Family:
    """What has one name in Prometheus, by its naming conventions: base units, and the unit at the end.

    Attributes:
        name: without PREFIX, and without the ``_total`` of a counter or the ``_info`` of an info.
        labels: names of its labels, in the order of the values in a sample.
        unit: what `name` ends with; empty for what has none, such as 1 for yes and 0 for no.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""

    @property
    def full_name(self) -> str:
        """Its name as it is asked for, such as ``pulsar_cam_captured_frames_total``."""
        return PREFIX + self.name + {"counter": "_total", "info": "_info"}.get(self.kind, "")


class Histogram(NamedTuple):
    """Durations since the start.

    Attributes:
        cumulative: how many took at most as long as each of `stages.BUCKETS_S`, and at last how many there were.
        total_s: their sum, in seconds.
    """

    cumulative: Sequence[int]
    total_s: float


class Sample(NamedTuple):
    """What was read for one family and one set of labels."""

    family: Family
    labels: tuple[str, ...]
    value: float | Histogram


Readings: TypeAlias = Callable[[], Iterable[Sample]]
"""Reads samples now, in any thread."""
