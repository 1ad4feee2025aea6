from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulsar_cam.errors import DisplayError
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.sinks import display
from pulsar_cam.sinks.display import check_display

from ..lab.xvfb import Screen

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has X11 displays to check")


@pytest.fixture(autouse=True)
def qt_settings_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")


@pytest.fixture
def silent_display() -> Iterator[str]:
    """A display whose server accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1] - 6000}"


def problem_of(expected: str) -> str:
    with pytest.raises(DisplayError, match=expected) as caught:
        check_display()
    assert "--headless" in str(caught.value)
    return str(caught.value)


@linux
def test_display_that_works(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", screen.name)
    check_display()


@linux
@pytest.mark.parametrize("value", ["", None])
def test_no_display(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    if value is not None:
        monkeypatch.setenv("DISPLAY", value)
    assert "ssh -X" in problem_of("DISPLAY is not set")


@linux
@pytest.mark.parametrize("value", [":7777", "127.0.0.1:1", "no display", ":\x1b[31m"])
def test_display_without_server(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DISPLAY", value)
    assert problem_of("no X server accepts us at DISPLAY=").isprintable()


@linux
def test_server_that_never_answers(monkeypatch: pytest.MonkeyPatch, silent_display: str) -> None:
    monkeypatch.setattr(display, "CONNECT_TIMEOUT_S", 0.1)
    monkeypatch.setenv("DISPLAY", silent_display)
    assert silent_display in problem_of("no X server accepts us")


@linux
def test_missing_library_is_named(screen: Screen, tmp_path: Path) -> None:
    (tmp_path / "libSM.so.6").touch()  # the loader finds this one first, and refuses it
    environment = {**os.environ, "DISPLAY": screen.name, "LD_LIBRARY_PATH": str(tmp_path)}
    program = "from pulsar_cam.sinks.window import Window; Window('a camera')"
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1  # not SIGABRT
    last_line = ended.stderr.splitlines()[-1]
    assert "DisplayError" in last_line
    assert "libSM.so.6" in last_line
    assert "apt-get install libsm6" in last_line


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_build_without_windows(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    assert "pip install opencv-python;" in problem_of("opencv-python-headless")


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_need_no_display(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "a framework")
    monkeypatch.delenv("DISPLAY", raising=False)
    check_display()
