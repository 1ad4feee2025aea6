"""Everything about a node that can be tested without one; the Java here is real, the distribution is empty."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from filelock import FileLock

from pulsar_cam.errors import InvalidOption, LocalNodeError
from pulsar_cam.node import LocalNode, NodeState, folders, local, ports, process, state

STATE = NodeState(os.getpid(), 8080, 6650, "4.0.8")


@pytest.fixture
def node(tmp_path: Path) -> LocalNode:
    return LocalNode("test", tmp_path)


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a program that is not a node."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def _broken_pulsar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution whose Java program is not there: its process ends at once."""
    home = tmp_path / "home"
    for name in ("conf/standalone.conf", "lib/org.apache.pulsar-pulsar-broker-9.9.9.jar"):
        (home / name).parent.mkdir(parents=True)
        (home / name).touch()
    monkeypatch.setenv("PULSAR_HOME", str(home))


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "-x", "a b", "a.", "é", "x" * 65, "a\n"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidOption, match=r"^`name`"):
        LocalNode(name, tmp_path)


@pytest.mark.parametrize("port", [-1, 80, 1023, 65536])
def test_ports_that_are_none(node: LocalNode, port: int) -> None:
    with pytest.raises(InvalidOption, match=r"^`port`"):
        node.start(port)
    with pytest.raises(InvalidOption, match=r"^`broker_port`"):
        node.start(0, port)


def test_two_services_cannot_share_a_port(node: LocalNode) -> None:
    with pytest.raises(InvalidOption, match="must differ from `port`"):
        node.start(18080, 18080)


def test_the_data_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSAR_CAM_DATA", str(tmp_path / "here"))
    assert LocalNode("a").folder == tmp_path / "here" / "nodes" / "a"


def test_a_port_in_use_is_said_before_anything_starts(node: LocalNode, server: int, tmp_path: Path) -> None:
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / ".DS_Store").touch()
    with pytest.raises(LocalNodeError, match=rf"port {server} is in use by .*process {os.getpid()}.*`port`; 0"):
        node.start(server)
    with pytest.raises(LocalNodeError, match=rf"port {server} is in use .*`broker_port`; 0"):
        node.start(0, server)
    assert not (node.folder / "logs").exists()


def test_a_port_of_the_other_loopback_address_is_in_use() -> None:
    with socket.socket(socket.AF_INET6) as server:
        try:
            server.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        server.listen()
        assert not ports.is_free(server.getsockname()[1])


@pytest.mark.usefixtures("_broken_pulsar")
def test_a_failed_start_says_why_and_leaves_no_process(node: LocalNode) -> None:
    with pytest.raises(
        LocalNodeError, match=r"the node ended: Error: Could not find or load main class .*pulsar.log"
    ):
        node.start(0, 0)
    assert node.status().state == "stopped"
    assert process.find_in(node.folder) is None


def test_a_process_is_known_only_when_its_command_line_is_there() -> None:
    class Launched:
        """As on a busy machine, where a new program has no command line for a moment."""

        def __init__(self) -> None:
            self.answers: list[list[str]] = [[], [], ["java"]]

        def cmdline(self) -> list[str]:
            return self.answers.pop(0)

    launched = Launched()
    process.wait_until_known(launched)
    assert launched.answers == []


@pytest.mark.usefixtures("_broken_pulsar")
def test_a_disk_that_is_too_full_is_said_before_the_start(node: LocalNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "LEAST_FREE_BYTES", 1 << 60)
    with pytest.raises(LocalNodeError, match=r"too full for a node: .* PULSAR_CAM_DATA"):
        node.start(0, 0)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "nodes").touch()
    with pytest.raises(LocalNodeError, match=r"cannot be used: .*; correct that"):
        LocalNode("test", tmp_path).start(0)


def test_a_start_that_takes_for_ever_is_a_sentence(node: LocalNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "START_TIMEOUT_S", 0)
    node.folder.mkdir(parents=True)
    with FileLock(node.folder / "start.lock"), pytest.raises(LocalNodeError, match="another process is starting"):
        node.start(0)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"pid": 1}', '{"unknown": 1}', "\0"])
def test_a_damaged_state_is_none(node: LocalNode, text: str) -> None:
    node.folder.mkdir(parents=True)
    (node.folder / "node.json").write_text(text)
    assert node.running() is None


def test_a_recycled_process_id_is_not_taken_for_the_node(node: LocalNode) -> None:
    node.folder.mkdir(parents=True)
    state.save(STATE, node.folder / "node.json")
    assert node.running() is None
    assert node.status().state == "stopped"
    assert not node.stop()
    assert not (node.folder / "node.json").exists()
    assert psutil.pid_exists(os.getpid())


def test_a_node_that_never_ran(node: LocalNode) -> None:
    assert not node.stop()
    assert node.status().state == "stopped"
    with pytest.raises(LocalNodeError, match="no log"):
        list(node.log_lines(10))


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state.save(STATE, tmp_path / "node.json")
    assert state.load(tmp_path / "node.json") == STATE
    assert STATE.ws_url == "ws://127.0.0.1:8080"
    assert STATE.broker_url == "pulsar://127.0.0.1:6650"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("While lock file: metadata/LOCK: Resource temporarily unavailable", "another process uses its data folder"),
        ("Failed to bind Pulsar broker on /127.0.0.1:6650", "another program took its port"),
        ("java.net.BindException: Address already in use", "another program took its port"),
        ("java.io.IOException: No space left on device", "the disk is full"),
        ("java.lang.OutOfMemoryError: Java heap space", "it ran out of memory"),
        ("10:00 [main] ERROR x.Y - something new", "ERROR x.Y - something new"),
        ("nothing of note", "it does not say why"),
    ],
)
def test_what_the_node_wrote_last_becomes_a_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "pulsar.log").write_text(f"10:00 [main] INFO first\n{line}\n\tat a.b.C\n")
    assert sentence in str(process.death_report(tmp_path))
