"""Values of a JSON line, of which nothing is certain: whatever is not what was asked for is None or empty."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from ..text import printable

_MOST_ITEMS = 32
# Beyond it, and outside these years, a number is damage or malice, and would make an axis that shows nothing else.
_LARGEST = 1e12
_FIRST_S = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_LAST_S = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


class Values:
    """A JSON value from a stranger. Each method takes the keys that lead to what is wanted."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def number(self, *keys: str) -> float | None:
        """Return a finite number of a sane size."""
        value = self._at(keys)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if math.isfinite(value) and abs(value) <= _LARGEST else None

    def text(self, *keys: str) -> str:
        """Return text on one line that is safe to show."""
        value = self._at(keys)
        return printable(value, 200) if isinstance(value, str) else ""

    def is_true(self, *keys: str) -> bool:
        """Return whether it is true, and nothing else."""
        return self._at(keys) is True

    def items(self, *keys: str) -> list[tuple[str, Values]]:
        """Return names and values of an object: the first 32."""
        value = self._at(keys)
        pairs = list(value.items())[:_MOST_ITEMS] if isinstance(value, dict) else []
        return [(printable(name, 40), Values(each)) for name, each in pairs]

    def rows(self, *keys: str) -> list[Values]:
        """Return the values of an array: the first 32."""
        value = self._at(keys)
        return [Values(each) for each in value[:_MOST_ITEMS]] if isinstance(value, list) else []

    def moment_s(self, key: str) -> float | None:
        """Return a time in ISO 8601 as Unix time in seconds; one without a zone is in UTC."""
        try:
            moment = datetime.fromisoformat(self.text(key))
            at_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
        return at_s if _FIRST_S <= at_s < _LAST_S else None

    def _at(self, keys: tuple[str, ...]) -> Any:
        value = self._value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value
