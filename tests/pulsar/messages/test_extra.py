"""Properties that are not this project's: which ones are kept, and which ones cannot be published."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.errors import InvalidOption
from pulsar_cam.pulsar.messages.extra import MOST_EXTRA, MOST_EXTRA_BYTES, check_extra, extra_bytes, extra_in


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({str(number): "" for number in range(33)}, "at most 32"),
        ({"lane": "x" * 5000}, "of 4096 bytes together"),
        ({"lane": 2}, "have to be text"),
        ({"lane": None}, "have to be text"),
        ({"lane": "caf\udce9"}, "have to be text"),
    ],
    ids=["too many", "too long", "number", "null", "not UTF-8"],
)
def test_properties_that_cannot_be_published_are_refused_beforehand(extra: Any, problem: str) -> None:
    with pytest.raises(InvalidOption, match=problem):
        check_extra(extra)


def test_ours_are_left_out_and_the_others_kept() -> None:
    assert extra_in({"sequence": "3", "lane": "2"}, {"sequence"}) == {"lane": "2"}


def test_those_behind_the_first_that_is_too_much_are_left_out() -> None:
    kept = {f"name {number}": "x" * 100 for number in range(10)}
    assert extra_in({**kept, "long": "x" * 5000, "short": "x"}, ()) == kept


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=300), max_size=50))
def test_what_is_kept_can_be_published(properties: dict[str, str]) -> None:
    kept = extra_in(properties, ())
    check_extra(kept)
    assert len(kept) <= MOST_EXTRA
    assert extra_bytes(kept) <= MOST_EXTRA_BYTES
