"""The pictures of the README, taken from the real thing: .venv/bin/python -m scripts.make_pictures

Starts a node of its own, publishers and viewers, and photographs windows and terminals on an X server without a
screen, and a report in a browser. Needs what ``scripts/test`` sets up, xterm with the font DejaVu Sans Mono, and
Chromium (on Debian and Ubuntu: sudo apt-get install xterm fonts-dejavu-core chromium). Best on a machine that does
nothing else. Names of pictures, such as ``monitor``, take these only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import psutil
from numpy.typing import NDArray

from pulsar_cam.node import LocalNode, NodeState
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.sources.pattern import read_pattern
from tests.lab.xvfb import Screen, wait_until, x_server

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
MOST_BYTES = 200_000

WIDTH, HEIGHT = 640, 360
PUBLISH = f"pulsar-cam publish --source test-pattern: --size {WIDTH}x{HEIGHT}"
WATCH = "pulsar-cam watch --subscription viewer1"
HIDE_CURSOR = r"printf '\033[?25l'"
LOOK = ["-fa", "DejaVu Sans Mono", "-fs", "9", "-bg", "#16181c", "-fg", "#e6e6e6"]
COLUMNS, ROW_PIXELS = 122, 15
TERMINALS = {  # first row on the screen and number of rows, with what is typed there
    (0, 2): [PUBLISH],
    (3, 7): [f"{WATCH} --headless --frames 60", f"{WATCH} --headless --stats"],
    (11, 18): ["pulsar-cam doctor"],
}
MONITOR = "pulsar-cam monitor --interval 2"
MONITOR_SIZE, MONITOR_S = "100x31+0+0", 70
RECORDED = {  # file, and the command that writes it
    "publish.jsonl": f"{PUBLISH} --json",
    "watch.jsonl": f"{WATCH} --headless --json",
    "monitor.jsonl": "pulsar-cam monitor --interval 1 --json",
}
GOOD_S, DEAD_S = 40, 10
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGE_SIZE = "1180,1150"


def main() -> None:
    """Take the pictures."""
    wanted = sys.argv[1:] or ["window", "terminal", "monitor", "report"]
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        sys.exit("no Chromium found; on Debian and Ubuntu: sudo apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="pulsar-cam-") as data, x_server() as display:
        commands = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"DISPLAY": display, "PULSAR_CAM_DATA": data, "PATH": commands}
        node = LocalNode("default", Path(data))
        try:
            state = node.start(0, 0)
            environment["PULSAR_CAM_SERVICE_URL"] = state.service_url
            subprocess.run(["pulsar-cam", "create-topic"], env=environment, check=True)
            screen = Screen(display)
            if "window" in wanted:
                save("window", window(screen, environment))
            if "terminal" in wanted:
                save("terminal", terminals(screen, environment))
            if "monitor" in wanted:
                save("monitor", monitor(screen, environment))
            if "report" in wanted:
                record(node, state, environment, Path(data))
                save("report", page(browser, environment, Path(data)))
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
            xterm = ["xterm", *LOOK, "-geometry", size, "-e", "sh", "-c", f"{typed}; {HIDE_CURSOR}; exec cat"]
            stack.enter_context(running(xterm, environment))
        time.sleep(15)  # for the doctor, and 60 frames after it
        return in_use(screen.screenshot())


def monitor(screen: Screen, environment: Mapping[str, str]) -> NDArray[np.uint8]:
    """Return a picture of the dashboard, with a publisher, two viewers, and a subscription that is not read."""
    with ExitStack() as stack:
        stack.enter_context(running(PUBLISH.split(), environment))
        for name in ("viewer1", "viewer2"):
            stack.enter_context(running(f"pulsar-cam watch --headless --subscription {name}".split(), environment))
        left = "pulsar-cam watch --headless --subscription archive --durable --frames 10"
        subprocess.run(left.split(), env=environment, check=True)
        stack.enter_context(running(["xterm", *LOOK, "-geometry", MONITOR_SIZE, "-e", *MONITOR.split()], environment))
        time.sleep(MONITOR_S)
        return in_use(screen.screenshot())


def record(node: LocalNode, state: NodeState, environment: Mapping[str, str], folder: Path) -> None:
    """Record a run in which the node is killed, and started again some seconds later."""
    with ExitStack() as stack:
        for name, command in RECORDED.items():
            output = stack.enter_context((folder / name).open("wb"))
            stack.enter_context(running(command.split(), environment, output))
        time.sleep(GOOD_S)
        psutil.Process(state.pid).kill()
        time.sleep(DEAD_S)
        node.start(state.http_port, state.broker_port)
        time.sleep(GOOD_S)


def page(browser: str, environment: Mapping[str, str], folder: Path) -> NDArray[np.uint8]:
    """Return a picture of the report on what was recorded."""
    subprocess.run(["pulsar-cam", "report", *RECORDED], env=environment, cwd=folder, check=True)
    shot = folder / "shot.png"
    options = ["--headless", "--disable-gpu", "--hide-scrollbars", f"--window-size={PAGE_SIZE}"]
    if os.name == "posix" and os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium has none for root
    subprocess.run(
        [browser, *options, f"--user-data-dir={folder / 'browser'}", f"--screenshot={shot}", "report.html"],
        env=environment,
        cwd=folder,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return cv2.imread(str(shot))


def in_use(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the part of the screen that has windows."""
    rows, columns = np.nonzero(picture.any(axis=2))
    return picture[: rows.max() + 1, : columns.max() + 1]


@contextmanager
def running(command: list[str], environment: Mapping[str, str], output: IO[bytes] | None = None) -> Iterator[None]:
    """Run a command until the context is left."""
    process = subprocess.Popen(command, env=environment, stdout=output)
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
