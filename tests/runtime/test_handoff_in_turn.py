"""Every item is handed on, in order, and no more of them wait than there are slots."""

from __future__ import annotations

import threading

from pulsar_cam.runtime.handoff import InTurn


def test_all_come_in_order_and_the_writer_waits_for_a_slot() -> None:
    in_turn, taken, most = InTurn[int](3), [], 0

    def write() -> None:
        for number in range(50):
            in_turn.put(number)
        in_turn.close()

    writer = threading.Thread(target=write)
    writer.start()
    while not in_turn.is_drained:
        most = max(most, len(in_turn._items))
        number = in_turn.take(1)
        if number is not None:
            taken.append(number)
    writer.join(10)
    assert taken == list(range(50))
    assert most <= 3


def test_closing_frees_a_writer_that_waits() -> None:
    in_turn = InTurn[int](1)
    in_turn.put(1)
    writer = threading.Thread(target=in_turn.put, args=(2,))
    writer.start()
    assert not in_turn.has_room
    in_turn.close()
    writer.join(10)
    assert not writer.is_alive()
    assert [in_turn.take(0), in_turn.take(0), in_turn.take(0)] == [1, 2, None]


def test_nothing_comes_of_an_empty_one() -> None:
    in_turn = InTurn[int](1)
    assert in_turn.take(0.01) is None
    assert not in_turn.is_drained
    in_turn.close()
    assert in_turn.is_drained
    assert in_turn.take(10) is None
