"""Recorded JSON lines as a page, also from files that are damaged or hostile."""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pulsar_cam.cli import app
from pulsar_cam.errors import InvalidOption, OutputError, PulsarCamError
from pulsar_cam.measure.stages import Percentiles
from pulsar_cam.monitor.view import ProbeView, StreamView, SubscriptionView, TopicView, View
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.report import make_report
from pulsar_cam.report.page import page_of
from pulsar_cam.report.recording import Recording, read
from pulsar_cam.report.series import Series, States, Total
from pulsar_cam.report.values import Values
from pulsar_cam.watching.stats import WatchStats

from ..monitor.views import START_NS, view

START = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "</style><script>alert(1)</script>$\\frac{$\u202e\x1b[31m"


def line(second: float, command: str = "publish", **values: Any) -> bytes:
    """One JSON line, as a command writes it."""
    stats = {"publish": PublishStats, "watch": WatchStats}.get(command, dict)()
    counters = stats.as_dict() if isinstance(stats, PublishStats | WatchStats) else {}
    at = (START + timedelta(seconds=second)).isoformat()
    whole = {"command": command, "event": "status", "at": at, **counters, "status": "connected", **values}
    return json.dumps(whole).encode() + b"\n"


def monitored(second: int, one: View) -> bytes:
    """One JSON line of the monitor."""
    at = (START + timedelta(seconds=second)).isoformat()
    return json.dumps({**one.as_dict(), "command": "monitor", "at": at}).encode() + b"\n"


def recorded(*lines: bytes) -> Recording:
    """The only recording in these lines."""
    (recording,) = read(io.BytesIO(b"".join(lines)), "run.jsonl")
    return recording


def run(second_of_fault: int = 5) -> bytes:
    """A publisher that lost its node for three seconds."""
    lines = []
    for second in range(20):
        is_down = second_of_fault <= second < second_of_fault + 3
        down = min(3, max(0, second - second_of_fault + 1))
        lines.append(
            line(
                second,
                captured=30 * second,
                published=30 * (second - down),
                dropped={"disconnected": 30 * down},
                reconnects=int(down == 3 and not is_down),
                fps=0.0 if is_down else 30.0,
                status="reconnecting: connection refused" if is_down else "connected",
                stages_ms={"encode": {"p50": 3.0, "p95": 4.0, "p99": 5.0}},
            )
        )
    return b"".join(lines)


class Elements(HTMLParser):
    """The names of all elements of a page, and whatever makes a browser fetch something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for name, value in attributes:
            if name in ("src", "href", "srcset", "xlink:href", "action", "data"):
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def test_a_run_with_a_fault_is_told_in_numbers(tmp_path: Path) -> None:
    recording = recorded(run())
    assert recording.lines == 20
    assert recording.totals["captured"].total == 19 * 30
    assert recording.totals["dropped disconnected"].total == 90
    assert recording.down_s == 3.0
    assert [event.says for event in recording.events.first if event.what == "session"] == [
        "problem: reconnecting: connection refused",
        "ok: connected",
    ]
    assert list(recording.states) == ["session", "camera"]
    page = page_of([recording], 0)
    assert "480 published of 570 captured" in page
    assert "disconnected 90" in page
    assert "3\u00a0s (15.8%)" in page
    assert "reconnected once" in page


def test_a_session_that_was_never_open_is_no_downtime() -> None:
    recording = recorded(line(0, status="connecting"), line(5), line(6))
    assert recording.down_s == 0


def test_what_every_command_writes_has_all_its_plots() -> None:
    percentiles: Percentiles = {"p50": 10.0, "p95": 20.0, "p99": 30.0}
    topic = TopicView(1, 30, 1e6, 60, 2e6, 5, 5, None, 0, (SubscriptionView("archive", True, 1, 7, 30.0),))
    probes = (
        ProbeView("kept", 50_000, True, receipt_ms=5.0, end_to_end_ms=8.0),
        ProbeView("fresh", 100, False, receipt_ms=5.0),
    )
    one = View(
        view("ok").findings,
        probes,
        12.0,
        topic=topic,
        stream=StreamView(30.0, age_ms=percentiles, frames=30),
        reconnects=1,
    )
    pages = page_of(
        [
            recorded(*(line(second, dropped={"superseded": second}) for second in range(3))),
            recorded(*(line(second, "watch", age_ms=percentiles, fps=30, shown=30 * second) for second in range(3))),
            recorded(*(monitored(second, one) for second in range(3))),
        ],
        0,
    )
    titles = re.findall("<figcaption>(.*?)</figcaption>", pages)
    assert titles == [
        "State of each part",
        "Frames a second",
        "Age of frames in ms: p50 solid, p95 dashed, p99 dotted",
        "publish run.jsonl: Frames dropped or missing a second, by reason",
        "watch run.jsonl: Frames dropped or missing a second, by reason",
        "monitor run.jsonl: Frames dropped or missing a second, by reason",
        "monitor run.jsonl: Probes: until the receipt, in ms",
        "monitor run.jsonl: Probes: from end to end, in ms",
        "monitor run.jsonl: Backlog in messages, by subscription",
        "publish run.jsonl: Messages in flight",
        "publish run.jsonl: What is published with: quality, scale, rate",
        "Reconnections and jumps so far",
    ]
    assert "kept 50 kB" in pages
    assert "fresh 100 B, not stored" in pages


def test_the_page_asks_for_nothing_and_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "publish.jsonl").write_bytes(run())
    make_report([tmp_path / "publish.jsonl"], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    elements = Elements(page)
    assert not elements.names & {"script", "img", "link", "iframe", "object", "embed", "base", "form", "image"}
    assert all(address.startswith("#") for address in elements.addresses)
    assert "url(#" in page
    assert not re.search(r"url\((?!#)|@import|https?:", page)
    assert "default-src 'none'" in page


def test_the_same_recording_makes_the_same_page() -> None:
    first, second = (page_of([recorded(run())], 0) for _ in range(2))
    assert first == second


def test_texts_from_a_recording_are_escaped() -> None:
    names = {"p50": 1.0, "p99": 2.0}
    subscription = {"name": HOSTILE, "backlog": 1}
    finding = {"check": HOSTILE, "state": "problem", "says": HOSTILE, "change": HOSTILE}
    page = page_of(
        [
            *read(io.BytesIO(line(0, dropped={HOSTILE: 1}, stages_ms={HOSTILE: names}, status=HOSTILE)), HOSTILE),
            recorded(
                line(0, "monitor", state=HOSTILE, findings=[finding], probes=[{"session": HOSTILE, "receipt_ms": 1}]),
                line(1, "monitor", state="ok", topic={"subscriptions": [subscription]}),
            ),
        ],
        0,
    )
    assert "<script" not in page
    assert not {"\u202e", "\x1b"} & set(page)
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "1e999", "1e300", "-1e300", "9" * 400, '"12"', "true", "null", "[1]", "{}"]
)
def test_absurd_numbers_are_no_numbers(number: str) -> None:
    texts = [each.decode().replace('"fps": 0', f'"fps": {number}', 1) for each in (line(0, fps=0), line(1, fps=0))]
    recording = recorded(*(text.encode() for text in texts), line(2, fps=30))
    assert recording.highest["fps"] == recording.last["fps", ""] == 30


def test_extreme_numbers_can_be_drawn() -> None:
    values = [0, -1, 1e12, -1e12, 1e-300, 5]
    ages = ({"p50": value, "p95": value, "p99": value} for value in values)
    lines = [
        line(second, "watch", fps=value, age_ms=age)
        for second, (value, age) in enumerate(zip(values, ages, strict=True))
    ]
    assert "<svg" in page_of([recorded(*lines)], 0)


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


def test_long_recordings_keep_few_points_and_all_extremes() -> None:
    series = Series()
    for second in range(100_000):
        series.add(second, 1000.0 if second == 77_777 else -5.0 if second == 33_333 else 1.0)
    times_s, values = series.points()
    assert len(values) <= 800
    assert (max(values), times_s[values.index(max(values))]) == (1000.0, 77_777)
    assert (min(values), times_s[values.index(min(values))]) == (-5.0, 33_333)
    assert times_s == sorted(times_s)


def test_a_gap_is_one() -> None:
    series = Series()
    for second, value in enumerate([1.0, None, None, 2.0]):
        series.add(second, value)
    _, values = series.points()
    assert [math.isnan(value) for value in values] == [False, True, False]
    for second in range(5000):
        series.add(second, None if second % 2 else 1.0)
    assert len(series.points()[0]) <= 800


def test_states_are_runs_and_few() -> None:
    states = States()
    for second, state in enumerate(["ok", "ok", "problem", "ok"]):
        states.add(second, state)
    assert states.runs == [(0, 2, "ok"), (2, 3, "problem"), (3, 3, "ok")]
    for second in range(4, 10_000):
        states.add(second, ("ok", "problem")[second % 2])
    assert len(states.runs) <= 401
    assert states.runs[-1][1] == 9999


def test_many_names_are_not_all_kept() -> None:
    lines = [line(second, dropped={f"reason {second} {n}": n for n in range(50)}) for second in range(10)]
    recording = recorded(*lines)
    assert len(recording.totals) <= 64
    assert len(recording.plots["drops"]) <= 64
    assert "<svg" in page_of([recording], 0)


def test_many_events_are_not_all_kept() -> None:
    recording = recorded(*(line(second, status="lost" if second % 2 else "connected") for second in range(1000)))
    assert len(recording.events.first) == len(recording.events.last) == 100
    assert "800 more in between are left out" in page_of([recording], 0)


def test_a_counter_that_begins_anew_goes_on() -> None:
    total = Total()
    rates = [total.add(second, count) for second, count in enumerate([5, 15, 15, 3, 6])]
    assert rates == [None, 10.0, 0.0, None, 3.0]
    assert total.total == 21


class TestCommand:
    """``pulsar-cam report``."""

    def test_writes_a_page(self, tmp_path: Path) -> None:
        (tmp_path / "publish.jsonl").write_bytes(run() + b"{")
        output = tmp_path / "night.html"
        ended = CliRunner().invoke(app, ["report", str(tmp_path / "publish.jsonl"), "--output", str(output)])
        assert ended.exit_code == 0, ended
        assert "20 lines, " in ended.stdout
        assert "publish.jsonl: the last line was cut off" in ended.stderr
        assert output.read_text(encoding="utf-8").startswith("<!doctype html>")
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    def test_reads_standard_input(self, tmp_path: Path) -> None:
        output = tmp_path / "night.html"
        ended = CliRunner().invoke(app, ["report", "-", "--output", str(output)], input=run())
        assert ended.exit_code == 0, ended
        assert output.exists()


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path) -> None:
    program = "import sys; sys.modules['matplotlib'] = None; from pulsar_cam.__main__ import main; main()"
    arguments = [sys.executable, "-c", program, "report", str(tmp_path / "run.jsonl")]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "python -m pip install 'pulsar-cam[report]'" in ended.stderr.replace("\n", " ")


def test_an_input_is_not_overwritten(tmp_path: Path) -> None:
    recording, link = tmp_path / "run.jsonl", tmp_path / "report.html"
    recording.write_bytes(run())
    link.symlink_to(recording)
    for output in (recording, link, tmp_path / "." / "run.jsonl"):
        with pytest.raises(InvalidOption, match="it is one of the recordings"):
            make_report([recording], output)
    assert recording.read_bytes() == run()


def test_a_page_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    output, good, bad = tmp_path / "report.html", tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    output.write_text("the page before")
    good.write_bytes(run())
    bad.write_bytes(b"nothing\n")
    with pytest.raises(InvalidOption):
        make_report([good, bad], output)
    assert output.read_text() == "the page before"
    make_report([good], output)
    assert output.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("name", [".", "none/report.html", "x" * 300, "report\0.html"])
def test_an_output_that_cannot_be_is_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_bytes(run())
    with pytest.raises(OutputError):
        make_report([tmp_path / "run.jsonl"], tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such devices")
def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_bytes(run())
    with pytest.raises(OutputError, match="it is not a file"):
        make_report([tmp_path / "run.jsonl"], Path("/dev/null"))
    with pytest.raises(InvalidOption, match="line 1 is longer"):
        make_report([Path("/dev/zero")], tmp_path / "report.html")


@pytest.mark.parametrize("name", ["none.jsonl", ".", "x" * 300, "run\0.jsonl"])
def test_a_file_that_cannot_be_read_is_a_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="cannot be read"):
        make_report([tmp_path / name], tmp_path / "report.html")


def test_too_many_files_and_standard_input_twice_are_refused(tmp_path: Path) -> None:
    for files in ([Path("-"), Path("-")], [tmp_path / str(number) for number in range(17)]):
        with pytest.raises(PulsarCamError):
            make_report(files, tmp_path / "report.html")


def test_views_have_the_time_of_the_line() -> None:
    assert json.loads(monitored(0, view("ok")))["at"].startswith("2026-01-01T00:00:00")
    assert Values(view("ok").as_dict()).moment_s("at") == START_NS / 1e9
