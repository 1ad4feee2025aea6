"""The programs of docs/peers.md, which use nothing of this project, and this project show each other's frames."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.topics import Topic

from ..conftest import missing
from ..lab.streams import new_topic, packets
from ..lab.xvfb import wait_until
from .watching import Publishing, Watching

PAGE = (Path(__file__).parents[2] / "docs" / "peers.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"```(?:js|python)\n(?://|#) (\S+)\n(.*?)```", PAGE, re.DOTALL))


def interpreter_of(name: str) -> list[str]:
    if name.endswith(".py"):
        return [sys.executable, "-u"]
    if shutil.which("node") is None:
        missing("Node.js (on Debian and Ubuntu: sudo apt-get install nodejs)")
    for command in (["node"], ["node", "--experimental-websocket"]):
        answer = subprocess.run([*command, "-p", "typeof WebSocket"], capture_output=True, text=True)
        if answer.stdout.strip() == "function":
            return command
    pytest.skip("the Node.js of this system is older than 20, and has no WebSocket")


@contextmanager
def running(
    name: str, node: NodeState, topic: Topic, folder: Path, *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a program of the page against a node and a topic, and end it with the context."""
    program = PROGRAMS[name].replace("ws://localhost:8080/ws/v2", f"{node.ws_url}/ws/v2")
    (folder / name).write_text(program.replace("video-stream", topic.name), encoding="utf-8")
    command = [*interpreter_of(name), str(folder / name), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.mark.parametrize("name", ["peer.mjs", "peer.py"])
def test_a_peer_shows_our_frames(node: NodeState, name: str, tmp_path: Path) -> None:
    topic = new_topic()
    with Publishing(node, topic), running(name, node, topic, tmp_path, "watch") as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(20)]
    assert all(re.fullmatch(r"test-pattern: \d+ bytes, \d+ ms old\n", each) for each in lines), lines


@pytest.mark.parametrize("name", ["peer.mjs", "peer.py"])
def test_the_frames_of_a_peer_are_shown(node: NodeState, name: str, tmp_path: Path) -> None:
    topic, picture = new_topic(), tmp_path / "picture.jpg"
    picture.write_bytes(packets(1)[0].jpeg)
    with (
        Watching(node, topic, max_age_ms=10_000) as watching,
        running(name, node, topic, tmp_path, "publish", str(picture)),
    ):
        wait_until(lambda: watching.stats.shown >= 10, "ten frames of the peer")
    assert watching.stats.gaps.repeated == 0
    assert set(watching.stats.dropped) <= {"superseded", "stopped"}
