"""A camera that goes and comes back, as the people at both ends see it: commands, a window, a real node."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from pulsar_cam.node import NodeState
from pulsar_cam.pictures.overlay import card
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources.pattern import read_pattern

from ..lab.fake_camera import camera_environment, write_pattern_jpegs
from ..lab.jpegs import without_huffman_tables
from ..lab.streams import new_topic
from ..lab.xvfb import Screen, wait_until
from .command_line import CommandLine, Running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fake camera is one of V4L2")

STOPPED = "camera-0 stopped: no good frame for 5 s, trying again"
BLOCKED = "camera-0 stopped: its driver has not answered for 5 s, trying again"


@pytest.fixture
def topic() -> Topic:
    return new_topic()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The frames of the fake camera: 60 test cards of 640x480."""
    write_pattern_jpegs(tmp_path / "frames", 60)
    return tmp_path / "frames"


def camera(node: NodeState, folder: Path, **options: object) -> CommandLine:
    environment = camera_environment(folder, **options)  # type: ignore[arg-type]
    return CommandLine(node, environment | {"PULSAR_CAM_SERVICE_URL": node.service_url})


def number_on(screen: Screen, size: tuple[int, int] = (640, 480)) -> int | None:
    mark = read_pattern(screen.screenshot()[: size[1], : size[0]])
    return mark.number if mark else None


def has_card(screen: Screen, message: str) -> bool:
    """Whether a window of 640x480 shows this message over a dimmed picture."""
    drawn = card(np.zeros((480, 640, 3), np.uint8), message)
    shown = screen.screenshot()[:480, :640]
    return bool(np.all(shown[drawn > 200] > 150) and np.all(shown[drawn == 0] < 80) and shown[drawn == 0].any())


def wait_while(running: Running, words: str) -> None:
    """Return when the line that a command prints every second has these words no more."""
    assert running.process.stdout
    while words in running.process.stdout.readline():
        assert running.process.poll() is None


def stop(running: Running, code: int = 130) -> dict[str, object]:
    running.signal(signal.SIGINT)
    ended = running.wait()
    assert ended.code == code, ended
    return ended.summary


@pytest.mark.parametrize(("fault", "message"), [("unplugged", STOPPED), ("blocks", BLOCKED)])
def test_a_lost_camera_is_said_in_the_window_and_comes_back(
    node: NodeState, screen: Screen, topic: Topic, folder: Path, tmp_path: Path, fault: str, message: str
) -> None:
    (tmp_path / "fault").touch()
    viewer = CommandLine(node, {"DISPLAY": screen.name}).start("watch", "--topic", topic.name, "--json")
    wait_until(lambda: len(screen.titles()) == 1, "window")
    publisher = camera(node, folder, fault=tmp_path / "fault").start("publish", "--topic", topic.name, "--json")
    wait_until(lambda: number_on(screen) is not None, "frame on the screen")
    (tmp_path / "fault").write_text(fault)
    wait_until(lambda: has_card(screen, message), "card on the screen")
    (tmp_path / "fault").write_text("")
    wait_until(lambda: number_on(screen) is not None, "frame on the screen again")
    screen.press("q")
    watched, published = viewer.wait().summary, stop(publisher)
    assert watched["dropped"]["notice"] >= 1
    assert watched["received"] == watched["shown"] + sum(watched["dropped"].values())
    assert watched["repeated"] == watched["reconnects"] == published["reconnects"] == 0
    lost = published["camera"]
    assert isinstance(lost, dict)
    assert (lost["losses"], lost["trouble"]) == (1, "")
    assert lost["recovery_s"] > 0


def test_a_loss_is_told_to_who_runs_the_publisher_and_ends_it_where_that_is_wanted(
    node: NodeState, topic: Topic, folder: Path
) -> None:
    command = ("publish", "--topic", topic.name, "--exit-on-camera-loss")
    ended = camera(node, folder, frames=20).run(*command)
    assert ended.code == 1
    sentence = "camera-0 stopped: no good frame for 5 s; check the cable and that no other program uses it"
    assert ended.err == f"error: {sentence}\n"
    assert ended.out.startswith("published ")


def test_frames_are_counted_and_cards_are_not(node: NodeState, topic: Topic, folder: Path) -> None:
    """A camera that stops after 20 frames each time, and a run that ends with the 21st."""
    ended = camera(node, folder, frames=20).run("publish", "--topic", topic.name, "-n", "21", "--json")
    assert ended.code == 0, ended
    assert ended.summary["published"] == 21
    assert ended.summary["captured"] == 21 + sum(ended.summary["dropped"].values())
    assert ended.summary["camera"]["losses"] == 1
    said, back = ended.err.splitlines()
    assert said.startswith("camera-0 stopped: no good frame for 5 s; check the cable")
    assert back.startswith("camera-0 is back after ")


def test_no_snapshot_is_made_of_a_card(node: NodeState, topic: Topic, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "fault").touch()
    publisher = camera(node, folder, fault=tmp_path / "fault").start("publish", "--topic", topic.name, "--json")
    wait_while(publisher, '"published": 0')
    (tmp_path / "fault").write_text("unplugged")
    wait_while(publisher, '"cards": 0')
    saving = ("--headless", "--snapshot", tmp_path / "now.jpg", "--duration", "3")
    watched = CommandLine(node).run("watch", "--topic", topic.name, *saving)
    publisher.signal(signal.SIGINT)
    publisher.wait()
    assert watched.code == 1
    assert "no frame was shown" in watched.err
    assert "(notice " in watched.out
    assert not (tmp_path / "now.jpg").exists()


@pytest.mark.parametrize("options", [[], ["--quality", "80"], ["--size", "640x480"]])
def test_a_camera_may_change_its_size(
    node: NodeState, screen: Screen, topic: Topic, folder: Path, options: list[str]
) -> None:
    """Its own JPEGs are passed on, or decoded and encoded, or scaled; the window keeps its size."""
    for path in folder.iterdir():
        path.rename(path.with_name(f"a{path.name}"))
    write_pattern_jpegs(folder, 60, (320, 240), "b")
    viewer = CommandLine(node, {"DISPLAY": screen.name}).start("watch", "--topic", topic.name, "--json")
    wait_until(lambda: len(screen.titles()) == 1, "window")
    publisher = camera(node, folder).start("publish", "--topic", topic.name, "--json", *options)
    wait_until(lambda: number_on(screen) is not None, "frame on the screen")
    pictures: set[str] = set()
    assert viewer.process.stdout
    while not pictures >= ({"640x480"} if options[:1] == ["--size"] else {"640x480", "320x240"}):
        line = viewer.process.stdout.readline()
        pictures.add(line.partition('"picture": "')[2][:7])
    first = number_on(screen)
    wait_until(lambda: number_on(screen) not in (None, first), "other frame on the screen")
    screen.press("q")
    ended, published = viewer.wait(), stop(publisher)
    assert ended.code == 0
    assert "not_a_frame" not in ended.summary["dropped"]
    assert published["captured"] == published["published"] + sum(published["dropped"].values())  # type: ignore[operator,attr-defined]


@pytest.mark.parametrize("first", [None, b"no picture"])
def test_demo_shows_the_pattern_where_a_camera_gives_nothing(
    node: NodeState, topic: Topic, folder: Path, first: bytes | None
) -> None:
    for path in folder.iterdir():
        path.write_bytes(first or without_huffman_tables(path.read_bytes()))
    ended = camera(node, folder).run("demo", "--topic", topic.name, "--headless", "-n", "10", "--json")
    assert ended.code == 0, ended
    assert ended.summary["source"] == ("test-pattern" if first else "camera-0")
    assert ("no camera: publishing the test pattern" in ended.err) is bool(first)
