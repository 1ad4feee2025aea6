"""The window: shows frames, and says what the user asked for.

OpenCV allows one thread to use its windows, the main thread. When the X server ends, Qt ends the process with
status 1 from inside ``Window.poll``; nothing can be done about it here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from types import TracebackType

import numpy as np

from ..errors import DisplayError
from ..frame import Image
from ..pictures.opencv import cv2
from ..pictures.overlay import card, draw_lines
from ..text import printable
from .display import check_display

_FLAGS = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
_LARGEST = (1280, 720)  # pixels; fits a laptop's screen with its panels
_LONGEST_WAIT_MS = 50  # Ctrl-C is noticed only between two waits
_SAME_RATIO = 0.02  # a picture that is decoded smaller is rounded to whole pixels
_EMPTY_COLOUR = (160, 128, 112)  # BGR


class Action(enum.Enum):
    """What a user can ask a window for."""

    QUIT = "quit"  # q, Esc, or the close button
    PAUSE = "pause"  # space
    SNAPSHOT = "snapshot"  # s


_ACTIONS = {
    ord("q"): Action.QUIT,
    27: Action.QUIT,
    ord(" "): Action.PAUSE,
    ord("s"): Action.SNAPSHOT,
}


class Window:
    """A window on the screen; every method belongs to the main thread.

    It handles two keys itself: ``i`` turns the info overlay on and off, ``f`` full screen. It opens as large as its
    first frame, or smaller so that it fits a screen; then its size is the user's. Once closed, by the user or by
    ``close``, it shows nothing more, and ``poll`` returns QUIT.
    """

    def __init__(self, title: str, words: Callable[[str], str] = str) -> None:
        """Open an empty window.

        Args:
            title: may come from a stranger; control characters are replaced and its length is bounded.
            words: puts a text for a person into the words of the program that shows it.

        Raises:
            DisplayError: no window can be opened here.
        """
        check_display()
        self._name = printable(title) or "pulsar-cam"
        self._words = words
        self._image: Image = np.full((360, 640, 3), _EMPTY_COLOUR, np.uint8)
        self._info: Callable[[], Sequence[str]] = list
        self._badge = ""
        self._message = ""
        self._sized = False
        self._ratio = _ratio(self._image)
        self._info_on = False
        self._full_screen = False
        try:
            cv2.namedWindow(self._name, _FLAGS)
        except cv2.error as error:
            raise DisplayError(str(error), "'pulsar-cam watch --headless' needs none") from error
        # Before the first picture: Qt opens at a size of its own otherwise, and scales.
        cv2.resizeWindow(self._name, *_fit(self._image))
        self._redraw()

    def show(self, image: Image, info: Callable[[], Sequence[str]] = list, badge: str = "") -> None:
        """Draw a frame.

        Args:
            image: ``uint8`` array of shape (height, width, 3), BGR; it is kept until the next one, and not changed.
            info: gives the lines of the info overlay, which is in the upper left while the user has it on.
            badge: a word that is always drawn, in the upper right, such as "paused".
        """
        self._image, self._info, self._badge, self._message = image, info, badge, ""
        if not self._sized and self._is_open():
            cv2.resizeWindow(self._name, *_fit(image))
            self._sized, self._ratio = True, _ratio(image)
        self._redraw()

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the place for pictures, in pixels; the most before the first one, None once closed."""
        if not self._is_open():
            return None
        if not self._sized:
            return _LARGEST
        _, _, width, height = cv2.getWindowImageRect(self._name)
        return width, height

    def wait_card(self, message: str) -> None:
        """Say why no frames come, over the last picture, dimmed. The same message again costs nothing."""
        if message != self._message:
            self._message = message
            self._redraw()

    def poll(self, wait_ms: int = 1) -> list[Action]:
        """Let the window work for some milliseconds (1 to 50), and return what the user asked for."""
        # The full key code: the lower byte alone makes the right arrow key an "S".
        key = cv2.waitKeyEx(min(max(wait_ms, 1), _LONGEST_WAIT_MS)) & 0xFFFF
        if not self._is_open():
            return [Action.QUIT]
        if key == ord("i"):
            self._info_on = not self._info_on
            self._redraw()
        elif key == ord("f"):
            self._toggle_full_screen()
        return [_ACTIONS[key]] if key in _ACTIONS else []

    def close(self) -> None:
        """Close the window; may be called twice."""
        if self._is_open():
            cv2.destroyWindow(self._name)
            cv2.waitKey(1)  # the window goes when its events are handled

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_open(self) -> bool:
        try:
            return cv2.getWindowProperty(self._name, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # Qt has ended: that was its last window
            return False

    def _toggle_full_screen(self) -> None:
        self._full_screen = not self._full_screen
        mode = cv2.WINDOW_FULLSCREEN if self._full_screen else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self._name, cv2.WND_PROP_FULLSCREEN, mode)

    def _redraw(self) -> None:
        if self._is_open():  # showing a picture in a closed window would open it again
            cv2.imshow(self._name, self._picture())

    def _undistorted(self, image: Image) -> Image:
        """Return the image in a form that is shown undistorted: Qt stretches all to the ratio of the first one."""
        size = self.size
        if not size or not all(size) or abs(_ratio(image) / self._ratio - 1) < _SAME_RATIO:
            return image
        return _boxed(image, size)

    def _picture(self) -> Image:
        image = self._undistorted(self._image)
        if self._message:
            return card(image, self._words(self._message))
        info = [self._words(line) for line in self._info()] if self._info_on else []
        if not info and not self._badge:
            return image
        picture = image.copy()
        draw_lines(picture, info)
        draw_lines(picture, [self._badge] if self._badge else [], right=True)
        return picture


def _ratio(image: Image) -> float:
    return float(image.shape[1] / image.shape[0])


def _fit(image: Image) -> tuple[int, int]:
    """Return the width and height, in pixels, in which to open a window for this image."""
    scale = min(1.0, _LARGEST[0] / image.shape[1], _LARGEST[1] / image.shape[0])
    return _scaled_size(image, scale)


def _scaled_size(image: Image, scale: float) -> tuple[int, int]:
    height, width = image.shape[:2]
    return max(1, round(width * scale)), max(1, round(height * scale))


def _boxed(image: Image, size: tuple[int, int]) -> Image:
    """Return the image scaled into this width and height, with black bars where its ratio is another."""
    scale = min(size[0] / image.shape[1], size[1] / image.shape[0])
    width, height = _scaled_size(image, scale)
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    canvas[top : top + height, left : left + width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return canvas
