"""Sequence numbers that never came, or came again."""

from __future__ import annotations

import pytest

from pulsar_cam.frame import Packet
from pulsar_cam.measure.sequence import Gaps


def numbered(sequence: int | None, session: str | None = "a", source: str = "camera-0") -> Packet:
    return Packet(b"", 1, 1, captured_at_ns=0, source=source, session=session, sequence=sequence)


@pytest.mark.parametrize(
    ("sequences", "missing", "repeated"),
    [
        ([0, 1, 2], 0, 0),
        ([5, 6], 0, 0),
        ([0, 1, 4, 5, 9], 5, 0),
        ([0, 1, 1, 2], 0, 1),
        ([0, 3, 1, 2, 4], 2, 2),
        ([7, None, 8], 0, 0),
        ([], 0, 0),
    ],
)
def test_gaps_and_repeats_follow_the_numbers(sequences: list[int | None], missing: int, repeated: int) -> None:
    gaps = Gaps()
    for sequence in sequences:
        gaps.follow(numbered(sequence))
    assert (gaps.missing, gaps.repeated) == (missing, repeated)


def test_a_stranger_that_starts_over_repeats_nothing() -> None:
    gaps = Gaps()
    for sequence in (0, 1, 2, 0, 1, 3):
        gaps.follow(numbered(sequence, None, source=f"key {sequence}"))
    assert (gaps.missing, gaps.repeated) == (1, 0)


def test_each_session_of_each_source_is_followed_by_itself() -> None:
    gaps = Gaps()
    for packet in (
        numbered(100, "a"), numbered(0, "b"), numbered(0, "a", "camera-1"), numbered(0, None),
        numbered(101, "a"), numbered(2, "b"), numbered(1, "a", "camera-1"), numbered(1, None),
    ):  # fmt: skip
        gaps.follow(packet)
    assert (gaps.missing, gaps.repeated) == (1, 0)


def test_a_bounded_number_of_sessions_is_remembered_and_the_busy_ones_stay() -> None:
    gaps = Gaps()
    for number in range(3000):
        gaps.follow(numbered(number, "busy"))
        gaps.follow(numbered(0, f"session {number}"))
    assert len(gaps._last) == 1000
    gaps.follow(numbered(3001, "busy"))
    assert (gaps.missing, gaps.repeated) == (1, 0)
