"""Hostile input the whole way, from a text to what a person sees: the corpora, and what hypothesis makes up."""

from __future__ import annotations

import base64
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .lab.bombs import BASELINE, CMYK, EOI, FLAT, GREY, PROGRESSIVE, SOI, YUV420, YUV444, frame_header, scan_header
from .lab.corpus import TARGETS, inputs
from .lab.hostile import live_through
from .pulsar.messages.test_wire import DELIVERED, PROPERTIES, json_values

FILES = list(inputs())


@pytest.mark.parametrize(("target", "file"), FILES, ids=[f"{target}-{file.name}" for target, file in FILES])
def test_input_of_the_corpora_is_survived(target: str, file: Path) -> None:
    TARGETS[target](file.read_bytes())


headers = st.builds(
    frame_header,
    st.integers(0, 300) | st.integers(0, 65535),
    st.integers(0, 300) | st.integers(0, 65535),
    st.sampled_from([BASELINE, 0xC1, PROGRESSIVE, 0xC3, 0xC9]),
    st.sampled_from([GREY, YUV420, YUV444, CMYK]) | st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15))),
    st.sampled_from([8, 12, 0]),
)
scans = st.builds(
    scan_header,
    st.lists(st.integers(0, 4), max_size=4),
    st.integers(0, 63),
    st.integers(0, 255),
    st.integers(0, 13),
    st.integers(0, 13),
)
data = st.binary(max_size=200) | st.integers(0, 2000).map(bytes)
pictures = st.lists(st.just(FLAT) | headers | scans | data, max_size=8).map(lambda parts: SOI + b"".join(parts) + EOI)
numbers = st.integers().map(str) | st.sampled_from(["9" * 19, "1" + "0" * 19, "-1", "NaN", "1e9"])
properties = st.dictionaries(st.sampled_from([*PROPERTIES, "new"]), st.text(max_size=300) | numbers)


@settings(max_examples=300)
@given(pictures)
def test_any_segments_are_a_picture_or_refused(picture: bytes) -> None:
    TARGETS["jpeg"](picture)


@settings(max_examples=300)
@given(pictures | st.binary(max_size=50), properties, st.dictionaries(st.sampled_from([*DELIVERED]), json_values))
def test_any_message_is_survived_the_whole_way(
    picture: bytes, told: dict[str, str], changes: dict[str, object]
) -> None:
    message = DELIVERED | {"payload": base64.b64encode(picture).decode(), "properties": told} | changes
    live_through(orjson.dumps(message))


@given(st.binary(max_size=50), st.integers(0, 400), st.binary(max_size=4))
def test_any_damage_to_a_message_is_survived(tail: bytes, at: int, change: bytes) -> None:
    text = orjson.dumps(DELIVERED)
    live_through(text[:at] + change + text[at + len(change) :] + tail)
