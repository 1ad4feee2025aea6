"""Values over time as one line of blocks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

_BLOCKS, _ASCII_BLOCKS, _GAP = "▁▂▃▄▅▆▇█", "_.-:=+*#", "x"


def sparkline(values: Sequence[float | None], width: int, style: str = "cyan", ascii_only: bool = False) -> Text:
    """Return the last of the values, one character each: the highest is a whole block, 0 the lowest one.

    Args:
        values: not negative; None is a gap, which is drawn as a red x.
        width: characters, at most; what is left of it is filled with spaces on the left.
        ascii_only: for terminals that have no other characters.
    """
    blocks = _ASCII_BLOCKS if ascii_only else _BLOCKS
    shown = list(values)[-width:] if width > 0 else []
    highest = max((value for value in shown if value is not None), default=0.0)
    line = Text(" " * (width - len(shown)))
    for value in shown:
        if value is None:
            line.append(_GAP, style="red")
        else:
            level = round(value / highest * (len(blocks) - 1)) if highest > 0 else 0
            line.append(blocks[max(0, level)], style=style)
    return line
