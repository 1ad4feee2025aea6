"""What a live viewer takes for new."""

from __future__ import annotations

from pulsar_cam.frame import Packet
from pulsar_cam.measure import sequence
from pulsar_cam.measure.sequence import Recent


def packet(sequence: int | None, session: str | None = "one") -> Packet:
    return Packet(b"jpeg", 1, 1, captured_at_ns=0, source="cam", session=session, sequence=sequence)


def test_only_what_came_before_has_come() -> None:
    recent = Recent()
    numbers = [5, 5, 6, 5, 10**18, 7, 7, 8]
    assert [recent.has_come(packet(number)) for number in numbers] == [
        False, True, False, True, False, False, True, False
    ]  # fmt: skip
    assert not recent.has_come(packet(8, "another"))


def test_what_has_no_number_or_session_never_came_before() -> None:
    recent = Recent()
    unknown = (packet(None), packet(1, None))
    assert [recent.has_come(each) for each in unknown * 2] == [False] * 4


def test_the_memory_is_bounded() -> None:
    recent = Recent()
    for number in range(3 * sequence._MOST_REMEMBERED):
        assert not recent.has_come(packet(number))
    assert len(recent._frames) == sequence._MOST_REMEMBERED
    assert recent.has_come(packet(2 * sequence._MOST_REMEMBERED))
