"""The pictures of the README, taken from the real thing: .venv/bin/python -m scripts.make_pictures

Starts a node of its own, a publisher and a viewer, and photographs the window and the terminals on an X server
without a screen. Needs what ``scripts/test`` sets up, and xterm with the font DejaVu Sans Mono (on Debian and Ubuntu:
sudo apt-get install xterm fonts-dejavu-core).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pulsar_cam.node import LocalNode
from pulsar_cam.opencv import cv2
from pulsar_cam.pattern import read_pattern
from tests.xvfb import Screen, wait_until, x_server

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
MOST_BYTES = 200_000

WIDTH, HEIGHT = 640, 360
PUBLISH = f"pulsar-cam publish --source test-pattern: --size {WIDTH}x{HEIGHT}"
WATCH = "pulsar-cam watch --subscription viewer1"
HIDE_CURSOR = r"printf '\033[?25l'"
COLUMNS, ROW_PIXELS = 122, 15
TERMINALS = {  # first row on the screen and number of rows, with what is typed there
    (0, 2): [PUBLISH],
    (3, 7): [f"{WATCH} --headless --frames 60", f"{WATCH} --headless --stats"],
    (11, 18): ["pulsar-cam doctor"],
}


def main() -> None:
    """Take both pictures."""
    with tempfile.TemporaryDirectory(prefix="pulsar-cam-") as data, x_server() as display:
        commands = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"DISPLAY": display, "PULSAR_CAM_DATA": data, "PATH": commands}
        node = LocalNode("default", Path(data))
        try:
            environment["PULSAR_CAM_SERVICE_URL"] = node.start(0, 0).service_url
            subprocess.run(["pulsar-cam", "create-topic"], env=environment, check=True)
            screen = Screen(display)
            save("window", window(screen, environment))
            save("terminal", terminals(screen, environment))
            screen.close()
        finally:
            node.stop()


def window(screen: Screen, environment: Mapping[str, str]) -> NDArray[np.uint8]:
    """Return a picture of the viewer's window, with its info overlay, while frames come."""

    def picture() -> NDArray[np.uint8]:
        return screen.screenshot()[:HEIGHT, :WIDTH]

    with running(PUBLISH.split(), environment):
        time.sleep(10)  # a node that has just started is slow at first
        with running(WATCH.split(), environment):
            wait_until(lambda: read_pattern(picture()) is not None, "frame in the window")
            screen.press("i")
            time.sleep(5)  # rates and ages settle
            return picture()


def terminals(screen: Screen, environment: Mapping[str, str]) -> NDArray[np.uint8]:
    """Return a picture of three terminals: one that looks at the node, a publisher, and a viewer."""
    with ExitStack() as stack:
        for (first, rows), commands in TERMINALS.items():
            typed = "; ".join(f"echo '$ {command}'; {command}" for command in commands)
            size = f"{COLUMNS}x{rows}+0+{first * ROW_PIXELS}"
            look = ["-fa", "DejaVu Sans Mono", "-fs", "9", "-bg", "#16181c", "-fg", "#e6e6e6", "-geometry", size]
            stack.enter_context(
                running(["xterm", *look, "-e", "sh", "-c", f"{typed}; {HIDE_CURSOR}; exec cat"], environment)
            )
        time.sleep(15)  # for the doctor, and 60 frames after it
        picture = screen.screenshot()
        rows_in_use, columns_in_use = np.nonzero(picture.any(axis=2))
        return picture[: rows_in_use.max() + 1, : columns_in_use.max() + 1]


@contextmanager
def running(command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Run a command until the context is left."""
    process = subprocess.Popen(command, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def save(name: str, picture: NDArray[np.uint8]) -> None:
    """Write a picture, and say how large it is."""
    path = FOLDER / f"{name}.png"
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    size = path.stat().st_size
    print(f"{path}: {size} bytes")
    if size > MOST_BYTES:
        sys.exit(f"that is more than {MOST_BYTES}")


if __name__ == "__main__":
    main()
