"""The page: what it says, and that it asks for nothing."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path

from pulsar_cam.report import make_report
from pulsar_cam.report.page import page_of
from pulsar_cam.report.recording import read

from .recordings import HOSTILE, line, recorded, run


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


def test_extreme_numbers_can_be_drawn() -> None:
    values = [0, -1, 1e12, -1e12, 1e-300, 5]
    ages = ({"p50": value, "p95": value, "p99": value} for value in values)
    lines = [
        line(second, "watch", fps=value, age_ms=age)
        for second, (value, age) in enumerate(zip(values, ages, strict=True))
    ]
    assert "<svg" in page_of([recorded(*lines)], 0)
