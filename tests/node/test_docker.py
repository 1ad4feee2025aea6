"""The docker commands, given to a program that writes them down; no engine is needed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pulsar_cam.errors import DependencyMissing, LocalNodeError
from pulsar_cam.node import LocalNode, NodeState, docker, state

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the docker of these tests is a shell script")


class FakeDocker:
    """A ``docker`` on the PATH that writes down its arguments and runs a line of shell."""

    def __init__(self, folder: Path) -> None:
        self.written = folder / "written"
        self._program = folder / "docker"

    def does(self, shell: str) -> None:
        self._program.write_text(f'#!/bin/sh\nfor word; do echo "$word"; done >>"{self.written}"\n{shell}\n')
        self._program.chmod(0o755)

    @property
    def words(self) -> list[str]:
        return self.written.read_text().splitlines()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    fake = FakeDocker(tmp_path / "bin")
    fake.does("echo true")
    return fake


def test_the_container_is_open_to_this_machine_only(fake: FakeDocker) -> None:
    docker.start("pulsar-cam-a", 18080, 16650)
    published = [word for word in fake.words if "publish" in word]
    assert published == ["--publish=127.0.0.1:18080:18080", "--publish=127.0.0.1:16650:16650"]


def test_the_container_has_the_settings_of_the_node(fake: FakeDocker) -> None:
    docker.start("pulsar-cam-a", 18080, 16650)
    for word in (
        "--name=pulsar-cam-a",
        "--volume=pulsar-cam-a:/pulsar/data",
        "--env=PULSAR_PREFIX_webSocketMaxTextFrameSize=8388608",
        "--env=PULSAR_PREFIX_webServicePort=18080",
        "--env=PULSAR_PREFIX_brokerServicePort=16650",
        "--env=PULSAR_PREFIX_advertisedAddress=127.0.0.1",
        "apachepulsar/pulsar:4.0.8",
    ):
        assert word in fake.words


def test_without_docker_the_sentence_says_that_none_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyMissing, match=r"docker is not installed\. Leave out `in_docker`"):
        docker.start("pulsar-cam-a", 18080, 16650)


def test_without_an_engine_the_sentence_says_so(fake: FakeDocker) -> None:
    fake.does("echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    with pytest.raises(DependencyMissing, match="engine does not answer"):
        docker.start("pulsar-cam-a", 18080, 16650)
    assert fake.words == ["info"]


def test_a_refusal_is_told_in_dockers_words(fake: FakeDocker) -> None:
    fake.does('[ "$1" = info ] || { echo "name is in use" >&2; exit 125; }')
    with pytest.raises(LocalNodeError, match="docker run failed: name is in use"):
        docker.start("pulsar-cam-a", 18080, 16650)


def test_a_container_is_found_shown_and_stopped_by_the_nodes_name(fake: FakeDocker, tmp_path: Path) -> None:
    node = LocalNode("a", tmp_path)
    node.folder.mkdir(parents=True)
    state.save(NodeState(0, 18080, 16650, "4.0.8", "pulsar-cam-a"), node.folder / "node.json")
    assert node.running()
    assert list(node.log_lines(5)) == ["true"]
    assert node.stop()
    assert fake.words[-3:] == ["stop", "--time=15", "pulsar-cam-a"]
    fake.does("exit 1")
    assert node.running() is None
