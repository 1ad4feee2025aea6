"""The node itself, on the real Pulsar: started, killed, stopped and started again, also by the command line."""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from websockets.sync.client import ClientConnection, connect

from pulsar_cam.errors import LocalNodeError
from pulsar_cam.node import LocalNode, NodeState, class_archive, folders, local, ports, process, state
from pulsar_cam.node.registration import is_looping
from pulsar_cam.node.software.distribution import pulsar_home
from pulsar_cam.node.software.java import find_java

from ..lab.xvfb import wait_until

TOPIC = "persistent/public/default/kept"
MESSAGES = [f"frame {number}".encode() for number in range(50)]
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")


def get(node: NodeState, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", node.http_port, timeout=10)
    try:
        connection.request("GET", f"/admin/v2/{path}")
        return connection.getresponse().status
    finally:
        connection.close()


def session(node: NodeState, path: str) -> ClientConnection:
    return connect(f"{node.ws_url}/ws/v2/{path}", proxy=None, max_size=None, open_timeout=30)


def publish(node: NodeState, topic: str, payload: bytes) -> dict[str, Any]:
    with session(node, f"producer/{topic}") as producer:
        return send(producer, payload)


def send(producer: ClientConnection, payload: bytes) -> dict[str, Any]:
    producer.send(json.dumps({"payload": base64.b64encode(payload).decode()}))
    receipt: dict[str, Any] = json.loads(producer.recv(30))
    return receipt


def receive(node: NodeState, count: int) -> list[bytes]:
    """Read messages from the beginning, and acknowledge none."""
    with session(node, f"reader/{TOPIC}?messageId=earliest&receiverQueueSize={count + 1}") as reader:
        return [base64.b64decode(json.loads(reader.recv(30))["payload"]) for _ in range(count)]


class CommandLine:
    """``pulsar-cam node`` with its own data folder, whose name has spaces in it."""

    def __init__(self, folder: Path) -> None:
        self.node = LocalNode("cli", folder)
        self._environment = os.environ | {"PULSAR_CAM_DATA": str(folder)}

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pulsar_cam", "node", *arguments, "--name", "cli"]
        return subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        with self.popen(*arguments) as program:
            out, err = program.communicate(timeout=200)
            return program.returncode, out, err

    def start(self) -> NodeState:
        code, _, err = self.run("start", "--port", "0", "--broker-port", "0", "--json")
        assert code == 0, err
        return self.state

    @property
    def state(self) -> NodeState:
        state = self.node.running()
        assert state
        return state


@pytest.fixture
def command_line(_pulsar: None, tmp_path: Path) -> Iterator[CommandLine]:
    command_line = CommandLine(tmp_path / "with spaces, 100% é")
    yield command_line
    command_line.node.stop()


def test_it_is_healthy_and_has_its_namespace(node: NodeState) -> None:
    assert get(node, "brokers/health") == 200
    assert get(node, "namespaces/public/default") == 200


def test_a_frame_of_five_megabytes_is_acknowledged(node: NodeState) -> None:
    assert publish(node, "non-persistent/public/default/big", bytes(5_200_000))["result"] == "ok"


def test_it_listens_on_this_machine_only(node: NodeState) -> None:
    listening = [
        each.laddr for each in psutil.Process(node.pid).net_connections("inet") if each.status == psutil.CONN_LISTEN
    ]
    assert {node.http_port, node.broker_port} <= {address.port for address in listening}
    assert {address.ip for address in listening} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_a_port_of_another_node_is_not_taken_for_ours(node: NodeState, tmp_path: Path) -> None:
    with pytest.raises(LocalNodeError, match=rf"port {node.http_port} is in use by java \(process {node.pid}\)"):
        LocalNode("other", tmp_path).start(node.http_port)


@pytest.mark.usefixtures("_pulsar")
def test_a_node_that_loses_the_race_for_its_port_says_so(
    node: NodeState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As when two nodes start at the same moment: the port was free when it was looked at.
    monkeypatch.setattr(ports, "is_free", lambda _port: True)
    other = LocalNode("other", tmp_path)
    with pytest.raises(LocalNodeError, match="another program took its port"):
        other.start(node.http_port, 0)
    assert other.status().state == "stopped"
    assert process.find_in(other.folder) is None
    assert get(node, "brokers/health") == 200


@pytest.mark.usefixtures("_pulsar")
def test_a_start_that_goes_round_in_circles_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One in five starts after a kill is such a one; here it is the first, and the second."""
    caplog.set_level(logging.INFO)
    starts = set[int]()

    def loops_at_first(folder: Path) -> bool:
        started = state.load(folder / "node.json")
        starts.add(started.pid if started else 0)
        return len(starts - {0}) <= 2 or is_looping(folder)

    monkeypatch.setattr(local, "is_looping", loops_at_first)
    again = LocalNode("again", tmp_path)
    try:
        started = again.start(0, 0)
        assert get(started, "brokers/health") == 200
        assert process.find_in(again.folder) == process.find(started.pid, again.folder)
        assert len([message for message in caplog.messages if "trying again" in message]) == 2
        again.start()
        assert again.running() == started
    finally:
        again.stop()


@pytest.mark.usefixtures("_pulsar")
def test_a_node_that_never_gets_out_of_the_circle_is_a_sentence_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "is_looping", lambda _folder: True)
    never = LocalNode("never", tmp_path)
    with pytest.raises(LocalNodeError, match="its store does not get registered"):
        never.start(0, 0)
    assert never.status().state == "stopped"
    assert process.find_in(never.folder) is None


@pytest.mark.timeout(400, func_only=True)
@pytest.mark.usefixtures("node")  # its start made the archive, if there was none yet
def test_a_later_start_takes_its_classes_from_the_archive(tmp_path: Path) -> None:
    java = find_java()
    home = pulsar_home(folders.cache_folder(), lambda _arrived, _total: None)
    archive = class_archive.archive_of(folders.cache_folder(), java, home)
    wait_until(archive.exists, "archive of classes", 240)
    later = LocalNode("later", tmp_path)
    try:
        started = later.start(0, 0)
        assert f"-XX:SharedArchiveFile={archive}" in psutil.Process(started.pid).cmdline()
        assert sys.platform != "linux" or str(archive) in {
            each.path for each in psutil.Process(started.pid).memory_maps()
        }
    finally:
        later.stop()


@needs_signals
@pytest.mark.timeout(400, func_only=True)
def test_acknowledged_messages_survive_kill_and_stop(command_line: CommandLine) -> None:
    """One long story, because each start takes 10 s: start, kill -9, start, stop, start in the foreground, Ctrl-C."""
    started = command_line.start()
    with session(started, f"producer/{TOPIC}") as producer, session(started, f"consumer/{TOPIC}/keep"):
        assert {send(producer, message)["result"] for message in MESSAGES} == {"ok"}
        killed = psutil.Process(started.pid)
        killed.kill()
        killed.wait(30)
    code, out, _ = command_line.run("status")
    assert (code, "stopped" in out) == (1, True)

    restarted = command_line.start()
    assert receive(restarted, len(MESSAGES)) == MESSAGES
    check_a_running_node(command_line)
    assert command_line.run("stop")[0] == 0
    assert not psutil.pid_exists(restarted.pid)

    with command_line.popen("start", "--port", "0", "--broker-port", "0", "--foreground") as foreground:
        assert foreground.stdout
        assert any("Ctrl-C" in line for line in foreground.stdout), "it ended before it was ready"
        last = command_line.state
        assert receive(last, len(MESSAGES)) == MESSAGES
        foreground.send_signal(signal.SIGINT)
        assert foreground.wait(30) == 0
    assert not psutil.pid_exists(last.pid)
    assert command_line.node.running() is None


def check_a_running_node(command_line: CommandLine) -> None:
    before = command_line.state
    code, out, _ = command_line.run("status", "--json")
    status = json.loads(out)
    assert (code, status["state"], status["service_url"]) == (0, "running", before.service_url)
    assert status["memory_bytes"] > 0
    assert status["disk_bytes"] > 0

    code, out, _ = command_line.run("logs", "--lines", "3")
    assert (code, len(out.splitlines())) == (0, 3)

    code, out, _ = command_line.run("start", "--json")
    assert (code, json.loads(out)["already_running"]) == (0, True)
    assert command_line.state == before

    # A user who lost the note about a node must not start a second one on the same data.
    note = command_line.node.folder / "node.json"
    hidden = note.rename(note.with_suffix(".hidden"))
    code, _, err = command_line.run("start", "--port", "0")
    assert (code, f"process {before.pid} already uses" in err) == (1, True)
    assert psutil.pid_exists(before.pid)
    hidden.rename(note)
    assert get(before, "brokers/health") == 200


@needs_signals
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_no_process(command_line: CommandLine, ending: signal.Signals) -> None:
    with command_line.popen("start", "--port", "0", "--broker-port", "0") as starting:
        wait_until(lambda: command_line.node.running() is not None, "process of the node", 60)
        started = command_line.state
        starting.send_signal(ending)
        assert starting.wait(30) == 130
    assert not psutil.pid_exists(started.pid)
    assert command_line.node.status().state == "stopped"
