"""A hand-off of a few slots between two threads: every item, in order, and the writer waits for the reader."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class InTurn(Generic[T]):
    """Hands on every item to a reader that is slower than its writer; the counterpart of `Latest`.

    Args:
        slots: how many items may wait.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._items: deque[T] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> bool:
        """Wait until a slot is free or it is closed, and put the item in; return False, as it never replaces one."""
        with self._changed:
            self._changed.wait_for(lambda: self.has_room or self._closed)
            self._items.append(item)
            self._changed.notify_all()
            return False

    def take(self, timeout_s: float) -> T | None:
        """Wait for the oldest item and remove it; None after that time, or when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            item = self._items.popleft() if self._items else None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Tell the reader that nothing more will come, and a writer not to wait. What is in can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def has_room(self) -> bool:
        """Whether a slot is free."""
        return len(self._items) < self._slots

    @property
    def is_drained(self) -> bool:
        """Whether it is closed and nothing waits."""
        with self._changed:
            return self._closed and not self._items
