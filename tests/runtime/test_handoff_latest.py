"""The hand-off of one slot."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pulsar_cam.runtime.handoff import Latest

SOON_S, LONG_S = 0.01, 60.0


def test_the_newest_item_wins_and_the_replaced_ones_are_told() -> None:
    slot = Latest[str]()
    assert [slot.put(item) for item in "abc"] == [False, True, True]
    assert slot.take(LONG_S) == "c"
    assert slot.put("d") is False
    assert slot.take(LONG_S) == "d"


def test_an_empty_slot_gives_nothing_after_the_time_out() -> None:
    slot = Latest[str]()
    assert slot.take(SOON_S) is None
    assert slot.take(0) is None
    assert not slot.is_drained


@pytest.mark.parametrize("item", [0, "", False])
def test_items_that_count_as_false_are_items(item: object) -> None:
    slot = Latest[object]()
    slot.put(item)
    assert slot.put(item)
    assert slot.take(0) is item


def test_what_waits_at_the_close_can_still_be_taken() -> None:
    slot = Latest[str]()
    slot.put("last")
    slot.close()
    assert not slot.is_drained
    assert slot.take(LONG_S) == "last"
    assert slot.is_drained
    assert slot.take(LONG_S) is None


@pytest.mark.parametrize("wake", [lambda slot: slot.close(), lambda slot: slot.put("x")], ids=["close", "put"])
def test_a_reader_that_waits_is_woken(wake: Callable[[Latest[str]], object]) -> None:
    slot = Latest[str]()
    taken: list[str | None] = []
    reader = threading.Thread(target=lambda: taken.append(slot.take(LONG_S)))
    reader.start()
    wake(slot)
    reader.join(LONG_S / 2)
    assert not reader.is_alive()
    assert taken in ([None], ["x"])


def test_between_threads_every_item_is_taken_or_replaced_and_the_order_holds() -> None:
    slot = Latest[int]()
    replaced: list[int] = []
    taken: list[int] = []

    def write() -> None:
        replaced.extend(number for number in range(20_000) if slot.put(number))
        slot.close()

    writer = threading.Thread(target=write)
    writer.start()
    while not slot.is_drained:
        item = slot.take(LONG_S)
        if item is not None:
            taken.append(item)
    writer.join(LONG_S)
    assert taken == sorted(set(taken))
    assert taken[-1] == 19_999
    assert len(taken) + len(replaced) == 20_000
