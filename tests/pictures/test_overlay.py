"""Text over a picture: where it is, that it can be read, and that no text and no size breaks it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.frame import Image
from pulsar_cam.pictures.overlay import card, draw_lines

SIZES = [(1, 1), (16, 16), (120, 160), (480, 640)]


def white(height: int, width: int) -> Image:
    return np.full((height, width, 3), 255, np.uint8)


def test_lines_are_light_on_a_darkened_box_in_their_corner_and_the_rest_is_left() -> None:
    picture = white(480, 640)
    draw_lines(picture, ["30.0 fps", "age 12 ms"])
    box = picture[:60, :40]
    assert box.min() == 255 // 4
    assert picture[:60, :200].max() > 200
    assert (picture[240:] == 255).all()
    assert (picture[:, 400:] == 255).all()


def test_lines_on_the_right_end_at_the_right_edge() -> None:
    picture = white(480, 640)
    draw_lines(picture, ["LIVE"], right=True)
    assert (picture[0, -8:] == 255 // 4).all()
    assert (picture[:, :320] == 255).all()


def test_no_lines_change_nothing() -> None:
    picture = white(48, 64)
    draw_lines(picture, [])
    assert (picture == 255).all()


def test_a_card_is_dimmed_and_leaves_its_picture_alone() -> None:
    picture = white(480, 640)
    dimmed = card(picture, "the cable is out")
    assert (picture == 255).all()
    assert (dimmed[:100] == 255 // 4).all()
    middle = dimmed[180:300]
    assert (middle > 200).any()


def test_a_long_message_takes_more_lines_and_stays_within_the_width() -> None:
    rows = []
    for message in ("one", "one " * 30):
        lit = card(np.zeros((480, 640, 3), np.uint8), message).max(axis=2) > 200
        rows.append(int(lit.any(axis=1).sum()))
        assert not lit[:, :20].any()
        assert not lit[:, -20:].any()
    assert rows[1] >= 3 * rows[0]


def test_what_the_font_lacks_is_drawn_as_a_question_mark() -> None:
    drawn = [card(np.zeros((480, 640, 3), np.uint8), text) for text in ("18 雪", "18 ?", "±3", "+-3")]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[2] == drawn[3]).all()


@pytest.mark.parametrize("size", SIZES)
@given(st.text(max_size=200))
def test_no_text_breaks_a_picture_of_any_size(size: tuple[int, int], text: str) -> None:
    picture = white(*size)
    draw_lines(picture, [text, text], right=True)
    assert card(picture, text).shape == picture.shape
