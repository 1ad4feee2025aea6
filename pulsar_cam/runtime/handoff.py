"""Hand-offs between two threads: one slot in which the newest item wins, or a few slots and a writer that waits."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class HandOff(Protocol[T]):
    """What writer and reader see of a hand-off, whichever kind it is."""

    def put(self, item: T) -> bool:
        """Hand over an item; return whether it replaced one that the reader had not taken, which is then a drop."""

    def take(self, timeout_s: float) -> T | None:
        """Wait for an item and remove it; None after that time, or when closed and empty."""

    def close(self) -> None:
        """Say that nothing more will come. What waits can still be taken."""

    @property
    def is_drained(self) -> bool:
        """Whether it is closed and nothing waits."""


class _Slots(Generic[T]):
    """What both kinds have in common: items that wait, under one lock."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def take(self, timeout_s: float) -> T | None:
        """Wait for the oldest item and remove it; None after that time, or when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            item = self._items.popleft() if self._items else None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Say that nothing more will come; neither side waits any longer. What is in can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_drained(self) -> bool:
        """Whether it is closed and nothing waits."""
        with self._changed:
            return self._closed and not self._items


class Latest(_Slots[T]):
    """One slot, in which the newest item wins: for a reader that is slower than its writer."""

    def put(self, item: T) -> bool:
        """Hand over an item; return whether it replaced one that the reader had not taken, which is then a drop."""
        with self._changed:
            has_replaced = bool(self._items)
            self._items.clear()
            self._items.append(item)
            self._changed.notify()
            return has_replaced


class InTurn(_Slots[T]):
    """A few slots for every item, in order: the writer waits for the reader.

    Args:
        slots: how many items may wait.
    """

    def __init__(self, slots: int) -> None:
        super().__init__()
        self._most = slots

    def put(self, item: T) -> bool:
        """Wait until a slot is free or it is closed, and put the item in; return False, as it replaces none."""
        with self._changed:
            self._changed.wait_for(lambda: self.has_room or self._closed)
            self._items.append(item)
            self._changed.notify_all()
            return False

    @property
    def has_room(self) -> bool:
        """Whether a slot is free."""
        return len(self._items) < self._most
