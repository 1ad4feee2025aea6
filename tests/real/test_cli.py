"""The commands as a person runs them, on a real node: what they print, their exit codes, and how they stop."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest

from pulsar_cam.node import DEFAULT_PORT, NodeState, ports
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.pattern import read_pattern

from ..conftest import missing
from ..lab.fake_camera import camera_environment, write_pattern_jpegs
from ..lab.streams import frames, new_topic
from ..lab.xvfb import Screen, wait_until
from .command_line import CommandLine

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
PATTERN = ("publish", "--source", "test-pattern:", "--size", "640x480")


@pytest.fixture
def cli(node: NodeState) -> CommandLine:
    return CommandLine(node)


@pytest.fixture
def topic() -> Topic:
    return new_topic()


def film(path: Path, count: int = 40, size: tuple[int, int] = (640, 480)) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, size)
    for frame in frames(count, size):
        writer.write(frame.image)
    writer.release()
    return path


def test_the_pair_carries_every_frame_from_one_terminal_to_the_other(
    node: NodeState, cli: CommandLine, topic: Topic
) -> None:
    assert cli.run("create-topic", "--topic", topic.name).code == 0
    viewer = cli.start(
        "watch", "--topic", topic.name, "--subscription", "viewer1", "-n", "30", "--headless", "--json"
    )
    viewer.wait_connected(node)
    published = cli.run(*PATTERN, "--topic", topic.name, "-n", "30", "--json")
    watched = viewer.wait()
    assert (published.code, watched.code) == (0, 0), (published, watched)
    assert published.summary["published"] == 30
    assert watched.summary["received"] == 30
    assert watched.summary["repeated"] == 0
    assert watched.summary["age_ms"]["p50"] > 0
    assert watched.summary["shown"] + sum(watched.summary["dropped"].values()) == 30


def test_the_summary_is_one_sentence_and_where_the_time_went(node: NodeState, cli: CommandLine, topic: Topic) -> None:
    published = cli.run(*PATTERN, "--topic", topic.name, "-n", "10")
    assert published.code == 0
    sentence, stages = published.out.splitlines()
    assert sentence.startswith("published 10 of ")
    assert sentence.endswith(" s")
    assert re.fullmatch(r"  p50/p95/p99: encode [\d./]+  queue [\d./]+  receipt [\d./]+ ms", stages)
    assert published.err == ""


def test_a_film_goes_through_at_its_own_rate_and_a_loop_starts_it_over(
    node: NodeState, cli: CommandLine, topic: Topic, tmp_path: Path
) -> None:
    source = film(tmp_path / "film 1.avi")
    once = cli.run("publish", "--source", source, "--topic", topic.name, "--json")
    assert once.summary["captured"] == 40
    assert once.summary["elapsed_s"] > 1
    looped = cli.run("publish", "--source", source, "--loop", "--topic", topic.name, "-n", "50", "--json")
    assert looped.summary["published"] == 50


@pytest.mark.skipif(sys.platform != "linux", reason="the fake camera is one of V4L2")
def test_device_0_is_published_through_v4l2(node: NodeState, topic: Topic, tmp_path: Path) -> None:
    write_pattern_jpegs(tmp_path / "frames", 60)
    viewer = CommandLine(node).start("watch", "--topic", topic.name, "-n", "20", "--headless", "--json")
    viewer.wait_connected(node)
    camera = CommandLine(node, camera_environment(tmp_path / "frames") | {"PULSAR_CAM_SERVICE_URL": node.service_url})
    published = camera.run("publish", "--device", "0", "--topic", topic.name, "-n", "20", "--json")
    watched = viewer.wait()
    assert published.summary["published"] == 20, published
    assert watched.summary["source"] == "camera-0"
    assert watched.summary["received"] == 20


def test_a_snapshot_is_the_jpeg_as_it_was_received(
    node: NodeState, cli: CommandLine, topic: Topic, tmp_path: Path
) -> None:
    as_received, decoded = tmp_path / "now.jpg", tmp_path / "now.png"
    publisher = cli.start(*PATTERN, "--topic", topic.name)
    publisher.wait_connected(node)
    for path in (as_received, decoded):
        watched = cli.run("watch", "--topic", topic.name, "--snapshot", path)
        assert watched.code == 0, watched
    publisher.signal(signal.SIGINT)
    publisher.wait()
    for path in (as_received, decoded):
        image = cv2.imread(str(path))
        assert image is not None
        assert read_pattern(np.asarray(image, np.uint8))
    assert as_received.read_bytes().startswith(b"\xff\xd8\xff")


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["publish", "watch"])
def test_a_signal_ends_a_command_with_its_summary_and_no_connection(
    node: NodeState, cli: CommandLine, topic: Topic, command: str, number: signal.Signals
) -> None:
    arguments = PATTERN if command == "publish" else ("watch", "--headless", "--subscription", "viewer1")
    running = cli.start(*arguments, "--topic", topic.name, "--json")
    running.wait_connected(node)
    time.sleep(0.5)
    running.signal(number)
    ended = running.wait()
    assert ended.code == 130
    assert ended.summary["status"] == "closed"
    wait_until(lambda: not _connections_of(running.process.pid, node), "end of its connections")


def _connections_of(pid: int, node: NodeState) -> list[object]:
    server = psutil.Process(node.pid)
    return [c for c in server.net_connections() if c.status == "CLOSE_WAIT" and c.laddr.port == node.http_port]


@needs_signals
@pytest.mark.parametrize(
    "module", ["typer", "rich.console", "numpy", "cv2", "websockets", "pulsar_cam.publishing.publish"]
)
def test_ctrl_c_while_the_modules_are_loaded_ends_without_a_traceback(
    node: NodeState, topic: Topic, module: str
) -> None:
    cli = CommandLine(node, {"PYTHONPROFILEIMPORTTIME": "1"})
    running = cli.start(*PATTERN, "--topic", topic.name)
    assert running.process.stderr
    while not running.process.stderr.readline().rstrip().endswith(f" {module}"):
        assert running.process.poll() is None
    running.signal(signal.SIGINT)
    assert running.wait().code == 130


def test_a_second_viewer_on_an_exclusive_subscription_gets_a_sentence(
    node: NodeState, cli: CommandLine, topic: Topic
) -> None:
    first = cli.start("watch", "--topic", topic.name, "--subscription", "viewer1", "--headless")
    first.wait_connected(node)
    second = cli.run("watch", "--topic", topic.name, "--subscription", "viewer1", "--headless")
    first.signal(signal.SIGINT)
    first.wait()
    assert second.code == 1
    assert second.err.startswith("error: subscription 'viewer1' is in use by another client (Exclusive consumer is")


ERRORS = [
    (["publish", "--device", "7"], 1, "camera 7 not found"),
    (["publish", "--device", "/dev/nothing"], 1, "camera /dev/nothing not found"),
    (["publish", "--source", "{tmp}/missing.mp4"], 1, "there is no such file"),
    (["publish", "--source", "{tmp}"], 1, "it is a directory"),
    (["publish", "--source", "{tmp}/text.avi"], 1, "cannot read video from"),
    (["publish", "--source", ""], 2, "give a camera number, a file"),
    (["publish", "--device", "0", "--source", "x"], 2, "--source x: give this or --device, not both"),
    ([*PATTERN, "--size", "12"], 2, "expected WIDTHxHEIGHT"),
    ([*PATTERN, "--size", "4x99999"], 2, "--size"),
    ([*PATTERN, "--fps", "0"], 2, "--fps"),
    ([*PATTERN, "--fps", "nan"], 2, "--fps"),
    ([*PATTERN, "--quality", "101"], 2, "expected 1 to 100"),
    ([*PATTERN, "--fixed", "--dry-run"], 2, "--dry-run: there is nothing to report with --fixed"),
    ([*PATTERN, "--frames", "0"], 2, "expected 1 or more"),
    ([*PATTERN, "--duration", "-1"], 2, "expected a number of seconds above 0"),
    ([*PATTERN, "--fps", "fast"], 2, "--fps"),
    ([*PATTERN, "--preview"], 1, "cannot open a window"),
    ([*PATTERN, "--service-url", "http://127.0.0.1:{free}"], 1, "pulsar-cam node start"),
    ([*PATTERN, "--service-url", "localhost:8080"], 2, "expected http://HOST:PORT"),
    ([*PATTERN, "--topic", "no/such/topic"], 1, "namespace no/such does not exist"),
    ([*PATTERN, "--topic", "two words"], 2, "has no spaces"),
    (["watch"], 1, "cannot open a window"),
    (["watch", "--headless", "--service-url", "http://127.0.0.1:{free}"], 1, "pulsar-cam node start"),
    (["watch", "--headless", "--topic", "no/such/topic"], 1, "namespace no/such does not exist"),
    (["watch", "--headless", "--subscription", ""], 2, "expected 1 to 200 printable characters"),
    (["watch", "--headless", "--max-age", "-1"], 2, "expected milliseconds above 0, or 0 for no limit"),
    (["watch", "--headless", "--max-age", "nan"], 2, "expected milliseconds above 0, or 0 for no limit"),
    (["watch", "--snapshot", "{tmp}/picture.bmp"], 2, "ends in .jpg or .png"),
    (["watch", "--snapshot", "{tmp}/none/picture.jpg"], 1, "does not exist"),
    (["watch", "--token-file", "{tmp}/none"], 2, "cannot be read"),
    (["create-topic", "--topic", "no/such/topic"], 1, "namespace no/such does not exist"),
    (["create-topic", "--topic", "a/b"], 2, "expected TOPIC"),
    (["create-topic", "--partitions", "-1"], 2, "partitions"),
    (["create-topic", "--retention", "soon"], 2, "expected a whole number with its unit"),
    (["create-topic", "--topic", "non-persistent://public/default/x", "--ttl", "9s"], 2, "keeps nothing"),
    (["create-topic", "--service-url", "http://127.0.0.1:{free}"], 1, "pulsar-cam node start"),
    (["demo", "--service-url", "http://127.0.0.1:{free}"], 1, "no Pulsar node answers"),
    (["no-such-command"], 2, "no-such-command"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), ERRORS, ids=lambda value: str(value)[:60])
def test_what_a_user_gets_wrong_ends_with_a_sentence(
    cli: CommandLine, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    (tmp_path / "text.avi").write_text("no video")
    free = next(ports.free_ports(ports.SERVICE_PORTS))
    ended = cli.run(*(argument.format(tmp=tmp_path, free=free) for argument in arguments))
    assert ended.code == code, ended
    assert words in " ".join(ended.err.split()), ended
    assert ended.out == ""


def test_an_unreadable_file_is_told_from_a_missing_one(cli: CommandLine, tmp_path: Path) -> None:
    path = film(tmp_path / "secret.avi", 2)
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads everything: a folder in its way is what is left to test
        path = path / "below"
    ended = cli.run("publish", "--source", path)
    assert ended.code == 1
    assert "cannot read video from" in ended.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
@pytest.mark.parametrize("as_json", [True, False])
def test_output_to_a_full_disk_is_a_sentence(cli: CommandLine, topic: Topic, as_json: bool) -> None:
    arguments = [*PATTERN, "--topic", topic.name, "-n", "5", *(["--json"] if as_json else [])]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "pulsar_cam", *arguments],
            env=cli.environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.endswith("could not be written: No space left on device; make room, or send it elsewhere\n")
    assert "Traceback" not in ended.stderr


def test_a_pipe_that_closes_early_is_no_traceback(node: NodeState, cli: CommandLine, topic: Topic) -> None:
    running = cli.start(*PATTERN, "--topic", topic.name, "--json", "--duration", "3")
    assert running.process.stdout
    running.process.stdout.readline()
    running.process.stdout.close()
    assert running.process.stderr
    with running.process.stderr as stderr:
        err = stderr.read()
    assert running.process.wait(30) in (0, 1)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "command",
    [[], ["publish"], ["watch"], ["create-topic"], ["demo"], ["doctor"], ["node"], ["node", "start"]],
    ids=" ".join,
)
def test_every_command_explains_itself_with_an_example(command: list[str]) -> None:
    ended = CommandLine(None).run(*command, "--help")
    assert ended.code == 0
    assert "pulsar-cam" in ended.out


def test_a_window_shows_the_stream_and_q_ends_it(node: NodeState, screen: Screen, topic: Topic) -> None:
    cli = CommandLine(node, {"DISPLAY": screen.name})
    viewer = cli.start("watch", "--topic", topic.name, "--subscription", "viewer1", "--json")
    wait_until(lambda: len(screen.titles()) == 1, "window")
    assert topic.name in screen.titles()[0]
    publisher = cli.start(*PATTERN, "--topic", topic.name)
    wait_until(lambda: _number_on(screen) is not None, "frame on the screen")
    first = _number_on(screen)
    assert first is not None
    wait_until(lambda: (_number_on(screen) or 0) > first, "later frame on the screen")
    screen.press("q")
    watched = viewer.wait()
    assert watched.code == 0
    assert watched.summary["shown"] > 0
    publisher.signal(signal.SIGTERM)
    assert publisher.wait().code == 130


def _number_on(screen: Screen) -> int | None:
    picture = screen.screenshot()
    mark = read_pattern(picture[:480, :640])
    return mark.number if mark else None


def test_a_window_without_frames_says_what_it_waits_for_and_can_be_closed(
    node: NodeState, screen: Screen, topic: Topic
) -> None:
    viewer = CommandLine(node, {"DISPLAY": screen.name}).start("watch", "--topic", topic.name, "--json")
    wait_until(lambda: len(screen.titles()) == 1, "window")
    viewer.wait_connected(node)
    time.sleep(1)
    assert screen.screenshot()[:360, :640].std() > 5
    screen.click_close()
    watched = viewer.wait()
    assert watched.code == 0
    assert watched.summary["received"] == 0


def test_a_snapshot_of_nothing_is_a_failure(cli: CommandLine, topic: Topic, tmp_path: Path) -> None:
    path = tmp_path / "now.jpg"
    ended = cli.run("watch", "--topic", topic.name, "--headless", "--snapshot", path, "--duration", "0.5")
    assert ended.code == 1
    assert f"cannot write {path}: no frame was shown" in ended.err
    assert not path.exists()


def test_a_partitioned_topic_is_taken_as_it_is(node: NodeState, cli: CommandLine, topic: Topic) -> None:
    cli.run("create-topic", "--topic", topic.name, "--partitions", "2")
    again = cli.run("create-topic", "--topic", topic.name, "--json")
    assert json.loads(again.out) == {"topic": str(topic), "created": False, "partitions": 2}
    ended = cli.run("demo", "--topic", topic.name, "--headless", "--frames", "5", "--json")
    assert ended.code == 0, ended
    assert ended.summary["received"] == 5


def test_demo_uses_the_node_that_answers_and_leaves_it_running(node: NodeState, cli: CommandLine) -> None:
    ended = cli.run("demo", "--service-url", node.service_url, "--headless", "--frames", "20", "--json")
    assert ended.code == 0, ended
    assert ended.summary["received"] == 20
    assert "publishing" in ended.err
    assert cli.run("create-topic").code == 0


@pytest.mark.timeout(240)
def test_demo_starts_a_node_where_none_answers_and_ends_all_that_it_started(node: NodeState, tmp_path: Path) -> None:
    if not ports.is_free(DEFAULT_PORT):  # demo would use what answers there
        missing(f"a free port {DEFAULT_PORT}")
    cli = CommandLine(None, {"PULSAR_CAM_DATA": str(tmp_path)})
    demo = cli.start("demo", "--headless", "--json")
    assert demo.process.stdout
    while not (line := json.loads(demo.process.stdout.readline()))["received"]:
        assert demo.process.poll() is None
    demo.signal(signal.SIGINT)
    ended = demo.wait()
    assert line["event"] == "status"
    assert ended.code == 130
    assert ended.summary["received"] > 0
    assert not [process for process in psutil.process_iter() if str(tmp_path) in _command_of(process)]


def _command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_create_topic_says_whether_it_was_new_and_what_it_costs(
    node: NodeState, cli: CommandLine, topic: Topic
) -> None:
    limits = ("--retention", "1h", "--retention-size", "1GB", "--ttl", "1m", "--backlog-limit", "500MB")
    new = cli.run("create-topic", "--topic", topic.name, *limits)
    again = cli.run("create-topic", "--topic", topic.name, "--json")
    assert cli.run("create-topic", "--topic", topic.name).out.endswith("disk: its limits are unchanged\n")
    assert new.out.splitlines()[0] == f"topic {topic} created"
    assert new.out.splitlines()[1].startswith("disk: up to about 1 GB")
    assert json.loads(again.out) == {"topic": str(topic), "created": False, "partitions": 0}
