"""What is read of a recording, whatever is in it."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.errors import InvalidOption
from pulsar_cam.report.page import page_of
from pulsar_cam.report.recording import read
from pulsar_cam.report.values import Values

from ..monitor.views import view
from .recordings import START, line, recorded


def test_a_session_that_was_never_open_is_no_downtime() -> None:
    recording = recorded(line(0, status="connecting"), line(5), line(6))
    assert recording.down_s == 0


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "1e999", "1e300", "-1e300", "9" * 400, '"12"', "true", "null", "[1]", "{}"]
)
def test_absurd_numbers_are_no_numbers(number: str) -> None:
    texts = [each.decode().replace('"fps": 0', f'"fps": {number}', 1) for each in (line(0, fps=0), line(1, fps=0))]
    recording = recorded(*(text.encode() for text in texts), line(2, fps=30))
    assert recording.highest["fps"] == recording.last["fps", ""] == 30


@pytest.mark.parametrize(
    "at", ["", "yesterday", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "0001-01-01", 5, None]
)
def test_a_line_without_a_usable_time_is_left_out(at: object) -> None:
    recording = recorded(line(0), line(1, at=at), line(2))
    assert recording.lines == 2
    assert recording.problems == ["1 line is not of pulsar-cam and left out"]


def test_a_time_without_a_zone_is_in_utc() -> None:
    assert Values({"at": "2026-01-01T00:00:00"}).moment_s("at") == START.timestamp()
    assert Values({"at": "2026-01-01T01:00:00+01:00"}).moment_s("at") == START.timestamp()


def test_times_that_go_back_make_no_negative_downtime() -> None:
    recording = recorded(*(line(second, status="lost") for second in (100, 50, 0, 10)))
    assert (recording.first_s, recording.last_s) == (START.timestamp(), START.timestamp() + 100)
    assert recording.down_s >= 0
    assert "<svg" in page_of([recording], 0)


def test_a_last_line_that_was_cut_off_is_said() -> None:
    recording = recorded(line(0), line(1), line(2)[:40])
    assert recording.lines == 2
    assert recording.problems == ["the last line was cut off, as when a run is killed"]


def test_lines_that_are_no_json_are_counted() -> None:
    recording = recorded(
        b"the connection was lost\n", line(0), b"\xff\xfe\x00\n", b"[" * 100_000 + b"\n", b"[]\n", line(1)
    )
    assert recording.lines == 2
    assert recording.problems == ["3 lines are not JSON and left out", "1 line is not of pulsar-cam and left out"]


def test_a_file_can_hold_several_commands_and_several_runs() -> None:
    lines = (line(0, captured=10), line(1, "watch", received=5), line(2, captured=40), line(3, captured=7))
    publisher, viewer = read(io.BytesIO(b"".join(lines)), "both.jsonl")
    assert publisher.totals["captured"].total == 47
    assert viewer.totals["received"].total == 5


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is empty"),
        (b"\n\n  \n", "it is empty"),
        (b"hello\n", "it holds no JSON lines"),
        (b'{"a":', "it holds no JSON lines"),
        (b'{"a": 1}\n[2]\n', "none of its 2 JSON lines"),
        (b'{"command": "rm", "at": "2026-01-01T00:00:00Z"}\n', "none of its 1 JSON lines"),
        (b'{"command": ["publish"], "at": {}}\n', "none of its 1 JSON lines"),
        (b"x" * 3_000_000, "line 1 is longer than 1 MiB"),
        (b"\0" * 3_000_000, "line 1 is longer than 1 MiB"),
    ],
)
def test_a_file_that_is_no_recording_is_a_sentence(content: bytes, says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        read(io.BytesIO(content), "run.jsonl")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = {
    command: sorted(json.loads(line(0, command)))
    for command in ("publish", "watch")
} | {"monitor": sorted(view("ok").as_dict()), "demo": ["age_ms", "stages_ms"]}  # fmt: skip


@given(st.data())
def test_any_json_in_any_place_is_read(data: st.DataObject) -> None:
    command = data.draw(st.sampled_from(sorted(KEYS)))
    values = data.draw(st.dictionaries(st.sampled_from(KEYS[command]), JSON, max_size=4))
    values = {key: value for key, value in values.items() if key not in ("command", "at")}
    recording = recorded(line(0, command), line(1, command, **values), line(2, command))
    assert recording.lines >= 2


def test_many_names_are_not_all_kept() -> None:
    lines = [line(second, dropped={f"reason {second} {n}": n for n in range(50)}) for second in range(10)]
    recording = recorded(*lines)
    assert len(recording.totals) <= 64
    assert len(recording.plots["drops"]) <= 64
    assert "<svg" in page_of([recording], 0)
