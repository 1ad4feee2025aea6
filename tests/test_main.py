"""The end of the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND_LINE = """
import sys, types

def interrupted():
    exec("raise KeyboardInterrupt")

def answered():
    try:
        interrupted()
    except KeyboardInterrupt:
        return 130

sys.modules["pulsar_cam.cli"] = types.ModuleType("pulsar_cam.cli")
sys.modules["pulsar_cam.cli"].run = {}
"""


@pytest.mark.parametrize("run", ["interrupted", "answered"])
def test_an_interrupt_within_exec_ends_with_the_exit_code_and_not_by_a_signal(tmp_path: Path, run: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(COMMAND_LINE.format(run))
    ended = subprocess.run(
        [sys.executable, "-m", "pulsar_cam"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (130, "")
