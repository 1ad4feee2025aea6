"""The built wheel, installed into a clean environment in another folder, does what the clone does."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from pulsar_cam.node import NodeState

from ..lab.streams import new_topic
from .command_line import CommandLine

ROOT = Path(__file__).parents[2]
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"
pytestmark = pytest.mark.xdist_group("wheel")


def run(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``pulsar-cam`` of a clean environment, whose dependencies are the pinned ones."""
    folder = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "environment", with_pip=False)
    pip = (sys.executable, "-m", "pip", "--python", folder / "environment", "install", "--quiet")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "node.txt")
    run(*pip, "--no-deps", wheel)
    return folder / "environment" / SCRIPTS / "pulsar-cam"


@pytest.mark.timeout(600)
def test_the_wheel_publishes_and_watches_outside_of_the_clone(
    node: NodeState, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli, topic = CommandLine(node, program=[str(installed)]), new_topic()
    assert cli.run("create-topic", "--topic", topic.name).code == 0
    viewer = cli.start("watch", "--topic", topic.name, "-n", "20", "--headless", "--max-age", "0", "--json")
    viewer.wait_connected(node)
    published = cli.run("publish", "--source", "test-pattern:", "--topic", topic.name, "-n", "20", "--json")
    assert published.summary["published"] == 20, published
    assert viewer.wait().summary["received"] == 20


def test_the_wheel_knows_its_version(installed: Path) -> None:
    ended = CommandLine(None, program=[str(installed)]).run("--version")
    assert (ended.code, ended.out) == (0, "pulsar-cam 0.1.0\n")


def test_the_wheel_finds_its_parts_for_a_local_node(installed: Path, tmp_path: Path) -> None:
    cli = CommandLine(None, {"PULSAR_CAM_DATA": str(tmp_path)}, program=[str(installed)])
    status = cli.run("node", "status", "--json")
    assert status.code == 1
    assert '"state": "stopped"' in status.out
