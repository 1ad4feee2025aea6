"""Text over a picture, readable on light and on dark ones."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ..frame import Image
from ..text import printable
from .opencv import cv2

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_TEXT_COLOUR = (240, 240, 240)
_LINE = 42  # pixels from line to line at scale 1; capitals are 27 high
_PADDING = 22  # pixels around the text at scale 1


def draw_lines(picture: Image, lines: Sequence[str], right: bool = False) -> None:
    """Draw lines of text into the picture, on a darkened box in its upper left or upper right corner."""
    if not lines:
        return
    scale = _scale(picture)
    padding, line_height = round(_PADDING * scale), round(_LINE * scale)
    width = max(_text_width(line, scale) for line in lines) + 2 * padding
    left = max(0, picture.shape[1] - width) if right else 0
    box = picture[: len(lines) * line_height + padding, left : left + width]
    box //= 4
    for number, line in enumerate(lines, start=1):
        _draw_text(picture, line, left + padding, number * line_height, scale)


def card(picture: Image, message: str) -> Image:
    """Return the picture dimmed, with the message in its middle."""
    height, width = picture.shape[:2]
    dimmed = picture // 4
    scale = 1.25 * _scale(picture)
    columns = max(8, int(width * 0.8 / _text_width("n", scale)))
    lines = textwrap.wrap(_ascii(message), columns, break_on_hyphens=False)
    line_height = round(_LINE * scale)
    top = (height - len(lines) * line_height) // 2
    for number, line in enumerate(lines, start=1):
        left = (width - _text_width(line, scale)) // 2
        _draw_text(dimmed, line, left, top + number * line_height, scale)
    return dimmed


def _scale(picture: Image) -> float:
    """Return the font scale: in proportion, so that a large picture shown smaller stays readable."""
    height, width = picture.shape[:2]
    return max(0.45, float(min(height, width)) / 800)


def _text_width(text: str, scale: float) -> int:
    (width, _), _ = cv2.getTextSize(_ascii(text), _FONT, scale, _thickness(scale))
    return int(width)


def _draw_text(picture: Image, text: str, left: int, bottom: int, scale: float) -> None:
    place = (left, bottom)
    cv2.putText(picture, _ascii(text), place, _FONT, scale, _TEXT_COLOUR, _thickness(scale), cv2.LINE_AA)


def _thickness(scale: float) -> int:
    return max(1, round(scale * 1.5))


def _ascii(text: str) -> str:
    """Return the text with a question mark for each character that OpenCV's font lacks."""
    return printable(text, 300).replace("±", "+-").encode("ascii", "replace").decode("ascii")
