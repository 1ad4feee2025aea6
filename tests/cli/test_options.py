"""Options that several commands share."""

from __future__ import annotations

import pytest

from pulsar_cam.cli.options import parse_size
from pulsar_cam.errors import InvalidOption


@pytest.mark.parametrize(("text", "size"), [(None, None), ("1280x720", (1280, 720)), ("1x99999", (1, 99999))])
def test_size_is_width_and_height(text: str | None, size: tuple[int, int] | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "1280", "1280x", "x720", "1280X720", "-1x1", "1.5x2", "1 x 2", "123456x1", "٣x٣", "1x2\n", "\x1b"]
)
def test_other_text_is_no_size(text: str) -> None:
    with pytest.raises(InvalidOption, match="expected WIDTHxHEIGHT, such as 1280x720") as caught:
        parse_size(text)
    assert str(caught.value).isprintable()
