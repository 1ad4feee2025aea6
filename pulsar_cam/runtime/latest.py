"""A hand-off of one slot between two threads: the newest item wins."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Holds the newest item for a reader that is slower than its writer."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> bool:
        """Offer an item; return whether it replaced one that nobody had taken yet, which is then a drop."""
        with self._changed:
            replaced = self._item is not None
            self._item = item
            self._changed.notify()
            return replaced

    def take(self, timeout_s: float) -> T | None:
        """Wait for an item and remove it; None after that time, or when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Tell the reader that nothing more will come. An item that waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_drained(self) -> bool:
        """Whether it is closed and nothing waits."""
        with self._changed:
            return self._closed and self._item is None
