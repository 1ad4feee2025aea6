"""``pulsar-cam report``: its files, and what becomes of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pulsar_cam.cli import app
from pulsar_cam.errors import InvalidOption, OutputError, PulsarCamError
from pulsar_cam.report import make_report

from .recordings import run


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
