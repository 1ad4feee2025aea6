"""Which frames have come: the memory by which repetitions are dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.frame import Packet
from pulsar_cam.measure import sequence
from pulsar_cam.measure.sequence import Repeats


def packet(sequence: int | None, session: str | None = "a", source: str = "film") -> Packet:
    return Packet(b"", 1, 1, 0, source, session, sequence)


def new_ones(numbers: list[int], repeats: Repeats | None = None) -> list[int]:
    repeats = repeats or Repeats()
    return [number for number in numbers if not repeats.has_come(packet(number))]


@pytest.mark.parametrize(
    ("arriving", "shown"),
    [
        ([0, 1, 2, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 0, 0], [0]),
        ([5, 6, 4, 7, 4], [5, 6, 4, 7]),
        ([0, 2, 1, 2, 1, 3], [0, 2, 1, 3]),
        ([0, 10**18, 10**18 - 1, 10**18 - 5000, 10**18 + 1], [0, 10**18, 10**18 - 1, 10**18 + 1]),
    ],
    ids=["sent again", "the same", "refused before the viewer came back", "late", "absurd"],
)
def test_each_number_counts_once_also_a_late_one(arriving: list[int], shown: list[int]) -> None:
    assert new_ones(arriving) == shown


@given(st.lists(st.integers(0, 60), max_size=200))
def test_no_number_comes_twice_and_none_is_lost(numbers: list[int]) -> None:
    assert new_ones(numbers) == list(dict.fromkeys(numbers))


def test_sessions_and_sources_are_apart_and_what_has_no_number_never_came() -> None:
    repeats = Repeats()
    packets = [packet(1), packet(1, "b"), packet(1, source="other"), packet(None), packet(None), packet(1, None)]
    assert not any(repeats.has_come(each) for each in packets)
    assert repeats.has_come(packet(1))


def test_memory_is_bounded() -> None:
    repeats = Repeats()
    for number in range(10_000):
        repeats.has_come(packet(number * 50, session="a"))
        repeats.has_come(packet(0, session=str(number)))
    assert len(repeats._streams) <= sequence._MOST_STREAMS
    assert all(len(each._missing) <= sequence._MOST_MISSING for each in repeats._streams.values())
