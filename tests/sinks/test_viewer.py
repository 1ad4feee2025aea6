"""What a person in front of a stream sees and does, with a window that plays keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from pulsar_cam.frame import Frame
from pulsar_cam.pictures.jpeg import encode
from pulsar_cam.sinks.viewer import Viewer
from pulsar_cam.sinks.window import Action, Window

FRAME = Frame(np.full((48, 64, 3), 77, np.uint8), captured_at_ns=0, sequence=3, source="camera-0")
PACKET = encode(FRAME, 90)


class KeyboardWindow:
    """Notes what it is asked to show, and gives the actions that a test puts in."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.shown: list[str] = []

    size = (640, 360)

    def show(self, image: object, info: Callable[[], Sequence[str]], note: str) -> None:
        self.shown.append(f"{' '.join(info())} {note}".strip())

    def wait_card(self, message: str) -> None:
        self.shown.append(message)

    def poll(self) -> list[Action]:
        actions, self.actions = self.actions, []
        return actions


@pytest.fixture
def window() -> KeyboardWindow:
    return KeyboardWindow()


@pytest.fixture
def viewer(window: KeyboardWindow) -> Viewer:
    return Viewer(cast(Window, window))


def press(viewer: Viewer, window: KeyboardWindow, *actions: Action) -> None:
    window.actions = list(actions)
    viewer.poll()


def test_without_a_window_frames_are_taken_and_nothing_is_asked_for() -> None:
    viewer = Viewer()
    viewer.show(FRAME, lambda: ["30 fps"], PACKET)
    viewer.wait("no frames")
    viewer.poll()
    assert not viewer.is_seen
    assert viewer.size is None
    assert viewer.packet is PACKET
    assert (viewer.wants_quit, viewer.is_paused) == (False, False)


def test_frames_and_waiting_are_shown(viewer: Viewer, window: KeyboardWindow) -> None:
    viewer.wait("waiting for frames")
    viewer.show(FRAME, lambda: ["30 fps"], PACKET)
    assert window.shown == ["waiting for frames", "30 fps"]


def test_quit_is_passed_on(viewer: Viewer, window: KeyboardWindow) -> None:
    press(viewer, window, Action.QUIT)
    assert viewer.wants_quit


def test_pause_stands_until_it_is_pressed_again(viewer: Viewer, window: KeyboardWindow) -> None:
    viewer.show(FRAME, lambda: ["30 fps"])
    press(viewer, window, Action.PAUSE)
    viewer.wait("no frames")
    assert viewer.is_paused
    press(viewer, window, Action.PAUSE)
    viewer.wait("no frames")
    assert not viewer.is_paused
    assert window.shown == ["30 fps", "30 fps paused", "30 fps", "no frames"]


def test_pause_and_snapshot_before_the_first_frame_do_nothing(
    viewer: Viewer, window: KeyboardWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    press(viewer, window, Action.PAUSE, Action.SNAPSHOT)
    assert window.shown == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("packet", [PACKET, None], ids=["received", "captured"])
def test_snapshot_is_saved_in_the_current_folder_and_said(
    packet: object, viewer: Viewer, window: KeyboardWindow, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    viewer.show(FRAME, list, PACKET if packet else None)
    press(viewer, window, Action.SNAPSHOT)
    (path,) = tmp_path.iterdir()
    assert caplog.messages == [f"snapshot saved: {path}"]
    assert (path.read_bytes() == PACKET.jpeg) is bool(packet)


def test_snapshot_that_cannot_be_saved_is_a_warning(
    viewer: Viewer, window: KeyboardWindow, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    viewer.show(FRAME, list, PACKET)
    press(viewer, window, Action.SNAPSHOT)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("no snapshot: ")
