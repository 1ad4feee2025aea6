"""Windows on a real X server, each in a process of its own, because Qt ends its process rather than raise."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pulsar_cam.frame import Image
from pulsar_cam.sinks.window import Action, Window

from ..lab.xvfb import Screen, wait_until

BACKGROUND = 0  # of Xvfb's screen


class RemoteWindow:
    """A ``Window`` in another process, on whose main thread its methods are called by name."""

    def __init__(self, title: str) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, title), daemon=True)
        self._process.start()
        theirs.close()

    def __call__(self, method: str, *args: Any) -> Any:
        """Call a method and return its result; EOFError when the process has ended."""
        self._pipe.send((method, args))
        return self._pipe.recv()

    def next_actions(self) -> list[Action]:
        """Keep the window alive until its user asks for something."""
        actions: list[Action] = []

        def asked() -> bool:
            actions.extend(self("poll", 10))
            return bool(actions)

        wait_until(asked, "action")
        return actions

    def end(self) -> None:
        self._pipe.close()
        self._process.join(30)
        assert self._process.exitcode == 0


def _serve(pipe: Connection, title: str) -> None:
    with Window(title) as window:
        while True:
            try:
                method, args = pipe.recv()
            except EOFError:
                return
            pipe.send(getattr(window, method)(*args))


@pytest.fixture
def window(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteWindow]:
    """An open window on the screen."""
    monkeypatch.setenv("DISPLAY", screen.name)
    window = RemoteWindow("a camera")
    window("poll")
    wait_until(lambda: not window("poll") and screen.titles() == ["a camera"], "window")
    yield window
    window.end()


def photo(width: int, height: int) -> Image:
    """A picture in which every pixel differs from its neighbours."""
    image: Image = np.random.default_rng(0).integers(1, 255, (height, width, 3), np.uint8)
    return image


def shown(screen: Screen, window: RemoteWindow, width: int, height: int) -> NDArray[np.uint8]:
    """Return what the upper left corner of the screen shows once the window has handled its events."""
    for _ in range(10):
        window("poll", 10)
    return screen.screenshot()[:height, :width]


def wait_for_pixels(screen: Screen, window: RemoteWindow, image: Image) -> None:
    height, width = image.shape[:2]
    wait_until(lambda: np.array_equal(shown(screen, window, width, height), image), "such picture on the screen")


def test_screen_shows_the_pixels_of_the_frame(screen: Screen, window: RemoteWindow) -> None:
    image = photo(640, 480)
    window("show", image)
    wait_for_pixels(screen, window, image)
    outside = screen.screenshot()
    outside[:480, :640] = BACKGROUND
    assert not outside.any()


def test_window_is_there_before_any_frame(screen: Screen, window: RemoteWindow) -> None:
    wait_until(lambda: bool((shown(screen, window, 640, 360) != BACKGROUND).all()), "window")
    screen.press("q")
    assert window.next_actions() == [Action.QUIT]


def test_its_size_is_the_largest_until_there_is_a_frame(screen: Screen, window: RemoteWindow) -> None:
    assert window("__getattribute__", "size") == (1280, 720)
    image = photo(640, 480)
    window("show", image)
    wait_for_pixels(screen, window, image)
    assert window("__getattribute__", "size") == (640, 480)


@pytest.mark.parametrize(
    ("key", "action"),
    [("q", Action.QUIT), ("Escape", Action.QUIT), ("space", Action.PAUSE), ("s", Action.SNAPSHOT)],
)
def test_key_is_an_action(screen: Screen, window: RemoteWindow, key: str, action: Action) -> None:
    screen.press(key)
    assert window.next_actions() == [action]


def test_other_keys_are_no_action(screen: Screen, window: RemoteWindow) -> None:
    for key in ("Left", "Right", "Shift_L", "F1", "x"):  # the low bytes of Left and Right are Q and S
        screen.press(key)
        shown(screen, window, 1, 1)
    screen.press("space")
    assert window.next_actions() == [Action.PAUSE]


def test_info_overlay_is_drawn_on_the_screen_alone(screen: Screen, window: RemoteWindow) -> None:
    image = photo(640, 480)
    window("show", image, partial(list, ["29.8 fps", "age 41 ms"]))
    wait_for_pixels(screen, window, image)

    screen.press("i")
    wait_until(lambda: not np.array_equal(shown(screen, window, 640, 480), image), "overlay")
    overlaid = shown(screen, window, 640, 480)
    changed = (overlaid != image).any(axis=2)
    assert changed[:40, :60].mean() > 0.9
    assert not changed[:, 320:].any()
    assert not changed[240:].any()

    screen.press("i")
    wait_for_pixels(screen, window, image)


@pytest.mark.parametrize(
    ("width", "height", "top", "left"), [(320, 80, 160, 0), (120, 240, 0, 200)], ids=["wide", "high"]
)
def test_frame_of_another_shape_is_not_stretched(
    screen: Screen, window: RemoteWindow, width: int, height: int, top: int, left: int
) -> None:
    window("show", photo(640, 480))
    wait_for_pixels(screen, window, photo(640, 480))
    window("show", np.full((height, width, 3), (10, 100, 200), np.uint8))
    expected = np.zeros((480, 640, 3), np.uint8)
    expected[top : 480 - top, left : 640 - left] = (10, 100, 200)
    wait_for_pixels(screen, window, expected)


def test_frame_given_is_not_changed(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    image = photo(320, 240)
    image.flags.writeable = False
    monkeypatch.setenv("DISPLAY", screen.name)
    window = RemoteWindow("a camera")
    window("show", image, partial(list, ["a line"]), "paused")
    screen.press("i")
    window.end()


def test_badge_is_always_drawn(screen: Screen, window: RemoteWindow) -> None:
    image = photo(640, 480)
    window("show", image, [], "paused")
    wait_until(lambda: not np.array_equal(shown(screen, window, 640, 480), image), "badge")
    changed = (shown(screen, window, 640, 480) != image).any(axis=2)
    assert changed[:20, 600:].mean() > 0.9
    assert not changed[:, :480].any()
    window("show", image)
    wait_for_pixels(screen, window, image)


def test_wait_card_is_the_last_picture_dimmed(screen: Screen, window: RemoteWindow) -> None:
    image = photo(640, 480)
    window("show", image)
    wait_for_pixels(screen, window, image)
    window("wait_card", "reconnecting")
    wait_until(lambda: bool((shown(screen, window, 640, 100) == image[:100] // 4).all()), "dimmed picture")
    assert (shown(screen, window, 640, 480)[200:280] > 200).any()  # the message
    screen.press("space")
    assert window.next_actions() == [Action.PAUSE]
    window("show", image)
    wait_for_pixels(screen, window, image)


def test_close_button_is_quit_and_final(screen: Screen, window: RemoteWindow) -> None:
    screen.click_close()
    assert window.next_actions() == [Action.QUIT]
    window("show", photo(640, 480))
    window("wait_card", "waiting for frames")
    assert window("poll") == [Action.QUIT]
    assert screen.titles() == []


def test_close_takes_the_window_off_the_screen(screen: Screen, window: RemoteWindow) -> None:
    window("close")
    window("close")
    assert screen.titles() == []
    assert window("poll") == [Action.QUIT]


def test_window_goes_on_when_the_frame_size_changes(screen: Screen, window: RemoteWindow) -> None:
    window("show", photo(640, 480))
    for size in ((320, 240), (480, 640), (1, 1), (1920, 1080)):
        window("show", photo(*size), partial(list, ["a line"]), "a badge")
        window("wait_card", "waiting for frames")
        shown(screen, window, 1, 1)
    window("show", photo(640, 480))
    wait_for_pixels(screen, window, photo(640, 480))


@pytest.mark.parametrize(
    ("frame", "on_screen"),
    [((3840, 2160), (1280, 720)), ((1080, 1920), (405, 720)), ((160, 120), (160, 120))],
)
def test_window_opens_as_large_as_fits_a_screen(
    screen: Screen, window: RemoteWindow, frame: tuple[int, int], on_screen: tuple[int, int]
) -> None:
    image = np.full((frame[1], frame[0], 3), 200, np.uint8)
    window("show", image)

    def lit() -> tuple[int, int]:
        pixels = (shown(screen, window, 1600, 1200) == 200).all(axis=2)
        return int(pixels.any(axis=0).sum()), int(pixels.any(axis=1).sum())

    wait_until(lambda: lit() == on_screen, f"picture of {on_screen}")


def test_f_is_full_screen_and_back(screen: Screen, window: RemoteWindow) -> None:
    screen.full_screen_request()
    for wanted in (True, False):
        screen.press("f")
        wait_until(lambda: window("poll", 10) == [] and screen.full_screen_request() is wanted, "change")  # noqa: B023


def test_small_frame_leaves_stderr_alone(screen: Screen) -> None:
    program = (
        "import numpy; from pulsar_cam.sinks.window import Window; window = Window('a camera');"
        "window.show(numpy.zeros((1, 1, 3), numpy.uint8)); [window.poll(10) for _ in range(20)]; window.close()"
    )
    environment = {**os.environ, "DISPLAY": screen.name}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("attempt", range(10))
def test_window_is_painted_however_the_threads_of_qt_run(screen: Screen, window: RemoteWindow, attempt: int) -> None:
    wait_until(lambda: bool((shown(screen, window, 640, 360) != BACKGROUND).all()), f"picture in window {attempt}")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("", "pulsar-cam"),
        ("caf\u00e9 \u96ea", "caf\u00e9 \u96ea"),
        ("a\x1b]0;b\x07\n\u202ec\ud800", "a\ufffd]0;b\ufffd\ufffd\ufffdc\ufffd"),
        ("%s%n\\", "%s%n\\"),
        ("x" * 5000, "x" * 120 + "..."),
    ],
)
def test_title_is_made_printable(screen: Screen, monkeypatch: pytest.MonkeyPatch, title: str, expected: str) -> None:
    monkeypatch.setenv("DISPLAY", screen.name)
    window = RemoteWindow(title)
    wait_until(lambda: window("poll") == [] and screen.titles() == [expected], "window of that title")
    window.end()


def test_window_opens_where_qt_is_set_to_wayland(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", screen.name)
    monkeypatch.setenv("QT_QPA_PLATFORM", "wayland")
    window = RemoteWindow("a camera")
    wait_until(lambda: window("poll") == [] and screen.titles() == ["a camera"], "window")
    window.end()
