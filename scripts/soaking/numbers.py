"""Which of many numbers came, and how often, in a byte for each: the measuring must not need memory itself."""

from __future__ import annotations

_STEP = 65536
_MOST = 255


class Numbers:
    """Counts numbers from 0."""

    def __init__(self) -> None:
        self._counts = bytearray(_STEP)

    def add(self, number: int) -> None:
        """Count a number; beyond 255 times it counts no further."""
        if number >= len(self._counts):
            self._counts.extend(bytes(number + _STEP - len(self._counts)))
        self._counts[number] = min(_MOST, self._counts[number] + 1)

    def __len__(self) -> int:
        """Return how many different numbers came."""
        return len(self._counts) - self._counts.count(0)

    def without(self, others: Numbers) -> list[int]:
        """Return the numbers that came here and not there."""
        there = others._counts.ljust(len(self._counts), b"\0")
        return [number for number, count in enumerate(self._counts) if count and not there[number]]

    def repeated(self) -> list[int]:
        """Return the numbers that came more than once."""
        return [number for number, count in enumerate(self._counts) if count > 1]
