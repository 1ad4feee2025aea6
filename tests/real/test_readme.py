"""The programs in the README and docs/, run as they stand there, except for the addresses and the topic."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.pattern import PatternSource, read_pattern

from ..lab.fake_camera import camera_environment, write_pattern_jpegs
from ..lab.streams import new_topic
from ..lab.xvfb import Screen, wait_until
from .watching import Publishing, Watching

ROOT = Path(__file__).parents[2]
# The programs of docs/peers.md are run by test_peers.py, beside their like in another language.
FILES = {ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - {ROOT / "docs" / "peers.md"}
PAGES = "".join(page.read_text(encoding="utf-8") for page in FILES)
PROGRAMS = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGES, re.DOTALL))


@pytest.fixture
def topic() -> Topic:
    return new_topic()


@contextmanager
def running(
    name: str, node: NodeState, topic: Topic, environment: Mapping[str, str] = os.environ
) -> Iterator[subprocess.Popen[str]]:
    """Run a program of these pages against a node and a topic, and end it with the context."""
    program = PROGRAMS[name]
    for ours, theirs in (
        ("http://localhost:8080", node.service_url),
        ("pulsar://localhost:6650", node.broker_url),
        ("video-stream", topic.name),
        ('"front-door"', f'"{topic.name}", "{node.service_url}"'),
    ):
        program = program.replace(ours, theirs)
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()


def output(name: str, node: NodeState, topic: Topic) -> str:
    """Return what a program that ends by itself has printed."""
    with running(name, node, topic) as process:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
    return out


def shows_a_frame(screen: Screen) -> bool:
    """Find a test card of 640x480 below the window's toolbar, which is less than 100 pixels high."""
    picture = screen.screenshot()
    return any(read_pattern(picture[top : top + 480, :640]) for top in range(100))


def test_every_program_is_run_by_one_of_these_tests() -> None:
    names = {
        "loop.py", "camera.py", "publish_image.py", "read_frames.py", "publish_pattern.py", "sessions.py",
        "native_viewer.py", "native_camera.py",
    }  # fmt: skip
    assert set(PROGRAMS) == names
    assert PAGES.count("```python") == len(names)


def test_an_image_is_published(node: NodeState, topic: Topic) -> None:
    shown = []
    with Watching(node, topic, max_age_ms=math.inf) as watching:
        watching.viewer.show = lambda frame, *_: shown.append(frame)  # type: ignore[method-assign]
        assert output("publish_image.py", node, topic) == "published 1\n"
        wait_until(lambda: bool(shown), "frame")
    assert shown[0].source == "my-program"
    assert abs(shown[0].image.mean(axis=(0, 1)) - (200, 120, 40)).max() < 3


@pytest.mark.parametrize(
    ("name", "line"),
    [("loop.py", r"\d+ \(240, 320, 3\) [\d.]+\n"), ("read_frames.py", r"\d+ \(240, 320, 3\) \d+ ms old\n")],
)
def test_frames_are_read(name: str, line: str, node: NodeState, topic: Topic) -> None:
    with Publishing(node, topic), running(name, node, topic) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(10)]
    assert all(re.fullmatch(line, each) for each in lines), lines


def test_sessions_carry_a_frame(node: NodeState, topic: Topic) -> None:
    assert output("sessions.py", node, topic) == "published\nreceived (480, 640, 3)\n"


def test_a_pattern_is_published(node: NodeState, topic: Topic) -> None:
    assert re.fullmatch(r"30 published, \d+ dropped\n", output("publish_pattern.py", node, topic))


def test_a_viewer_on_the_native_client_shows_our_frames(node: NodeState, topic: Topic, screen: Screen) -> None:
    environment = os.environ | {"DISPLAY": screen.name}
    publishing = Publishing(node, topic, lambda: PatternSource((640, 480), 30))
    with running("native_viewer.py", node, topic, environment), publishing:
        wait_until(lambda: "native viewer" in screen.titles(), "window")
        wait_until(lambda: shows_a_frame(screen), "frame in the window")
    wait_until(lambda: not screen.titles(), "end of the window")


@pytest.mark.parametrize("name", ["camera.py", "native_camera.py"])
def test_a_camera_of_a_program_is_shown(name: str, node: NodeState, topic: Topic, tmp_path: Path) -> None:
    write_pattern_jpegs(tmp_path, 10)
    with (
        Watching(node, topic) as watching,
        running(name, node, topic, camera_environment(tmp_path)),
    ):
        watching.receives_more(10)
    assert watching.viewer.numbers
