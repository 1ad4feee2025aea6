"""Cameras, through OpenCV's real V4L2 code on a fake device (see fake_camera.c)."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pulsar_cam.errors import DeviceNotFound
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.sources import devices
from pulsar_cam.sources.devices import Camera, list_cameras, open_device

from ..lab.fake_camera import camera_environment, write_pattern_jpegs
from ..lab.jpegs import without_huffman_tables

# Reads some frames and prints what they say, so that the test can look at it from outside.
READ = """
import hashlib, json, logging, sys, time
from pulsar_cam.sources import capture
from pulsar_cam.errors import PulsarCamError
from pulsar_cam.frame import Packet
from pulsar_cam.pictures.jpeg import decode
from pulsar_cam.sources.pattern import read_pattern
from pulsar_cam.sources.opening import open_source
arguments = json.loads(sys.argv[1])
size = arguments["size"] and tuple(arguments["size"])
capture.PATIENCE_S = 0.3
logging.basicConfig(level=logging.INFO)
frames, jpegs, error = [], [], None
try:
    source = open_source(arguments["device"], size=size, fps=arguments["fps"], keep_jpeg=arguments["keep_jpeg"])
    for _ in range(arguments["count"]):
        frame = source.read()
        age = time.time_ns() - frame.captured_at_ns
        if isinstance(frame, Packet):
            jpegs.append(hashlib.sha256(frame.jpeg).hexdigest())
            frame = decode(frame)
        mark = read_pattern(frame.image)
        frames.append([frame, mark.number if mark else None, age])
    source.close()
    source.close()
    assert source.read() is None
except PulsarCamError as problem:
    error = [type(problem).__name__, str(problem)]
print(json.dumps({"error": error, "jpegs": jpegs, "frames": [
    {"sequence": frame.sequence, "source": frame.source, "size": [frame.width, frame.height], "number": number,
     "age_ns": age, "unchanged": size or read_pattern(frame.image).number == number,
     "contiguous": frame.image.flags.c_contiguous, "dtype": str(frame.image.dtype)}
    for frame, number, age in frames]}))
"""


def read_camera(
    environment: dict[str, str],
    count: int,
    *,
    device: str = "0",
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    keep_jpeg: bool = False,
) -> tuple[dict[str, Any], str]:
    arguments = json.dumps({"device": device, "size": size, "fps": fps, "count": count, "keep_jpeg": keep_jpeg})
    command = [sys.executable, "-c", READ, arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result, done.stderr


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cards")
    write_pattern_jpegs(folder, 40)
    return folder


@pytest.mark.parametrize("device", ["0", "/dev/video0"])
def test_frames_come_once_in_order_and_undamaged(cards: Path, device: str) -> None:
    result, log = read_camera(camera_environment(cards), 10, device=device)
    frames = result["frames"]
    assert result["error"] is None
    numbers = [frame["number"] for frame in frames]
    # OpenCV itself takes the first frame away, which many cameras spoil.
    assert numbers == list(range(numbers[0], numbers[0] + 10))
    assert [frame["sequence"] for frame in frames] == list(range(10))
    for frame in frames:
        assert frame["source"] == "camera-0"
        assert frame["size"] == [640, 480]
        assert frame["unchanged"]
        assert frame["contiguous"]
        assert frame["dtype"] == "uint8"
        # Taken before it was decoded, and by the camera's clock: not in the future, not long ago.
        assert 0 < frame["age_ns"] < 10_000_000_000
    assert "camera 0 gives 640x480 at 30 fps as MJPG" in log or device != "0"


def test_the_cameras_own_jpegs_are_left_as_they_are(cards: Path) -> None:
    result, _ = read_camera(camera_environment(cards), 10, keep_jpeg=True)
    numbers = [frame["number"] for frame in result["frames"]]
    assert numbers == list(range(numbers[0], numbers[0] + 10))
    made = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(cards.iterdir())]
    assert len(result["jpegs"]) == 10
    assert set(result["jpegs"]) <= set(made)


@pytest.mark.parametrize("damage", [b"", b"no picture"])
def test_damaged_jpegs_are_not_passed_on(tmp_path: Path, damage: bytes) -> None:
    write_pattern_jpegs(tmp_path, 40)
    for path in sorted(tmp_path.iterdir())[::2]:
        path.write_bytes(damage or path.read_bytes()[:5000])
    result, _ = read_camera(camera_environment(tmp_path), 5, keep_jpeg=True)
    assert result["error"] is None
    assert len(result["jpegs"]) == 5
    assert all(frame["number"] % 2 for frame in result["frames"])


def test_a_camera_that_gives_another_size_is_scaled(cards: Path) -> None:
    result, _ = read_camera(camera_environment(cards), 2, size=(320, 200))
    assert [frame["size"] for frame in result["frames"]] == [[320, 200]] * 2


def test_surplus_frames_are_left_out_and_not_numbered(cards: Path) -> None:
    result, _ = read_camera(camera_environment(cards, fps=60), 10, fps=20)
    numbers = [frame["number"] for frame in result["frames"]]
    assert [frame["sequence"] for frame in result["frames"]] == list(range(10))
    # Every third, give or take one: the camera's own times decide, which a busy machine does not move.
    assert 24 <= numbers[-1] - numbers[0] <= 36
    assert numbers == sorted(set(numbers))


def test_a_rate_above_the_cameras_gives_the_cameras(cards: Path) -> None:
    result, _ = read_camera(camera_environment(cards, fps=30), 10, fps=60)
    numbers = [frame["number"] for frame in result["frames"]]
    assert numbers == list(range(numbers[0], numbers[0] + 10))


def test_damaged_frames_are_skipped(tmp_path: Path) -> None:
    write_pattern_jpegs(tmp_path, 12)
    for number in (3, 4, 8):
        (tmp_path / f"{number:06d}.jpg").write_bytes(b"\xff\xd8\xff garbage")
    (tmp_path / "000006.jpg").write_bytes(b"")
    result, _ = read_camera(camera_environment(tmp_path), 6)
    numbers = [frame["number"] for frame in result["frames"]]
    whole = [number for number in [*range(12), *range(12)] if number not in (3, 4, 6, 8)]
    assert numbers == whole[numbers[0] :][:6]
    assert [frame["sequence"] for frame in result["frames"]] == list(range(6))


def test_damage_of_any_kind_is_skipped_in_silence(tmp_path: Path) -> None:
    """A JPEG decoder writes to the file descriptor, so this is seen in a process of its own only."""
    write_pattern_jpegs(tmp_path, 12)
    whole = (tmp_path / "000000.jpg").read_bytes()
    middle = len(whole) // 2
    for number, damaged in enumerate(
        (
            whole[:middle] + b"\xff\xd9",
            whole[:middle] + bytes(range(256)) * 4 + whole[middle + 1024 :],
            whole[:20] + b"\xff\xd9",
            b"\xff\xd8\xff\xd9",
        )
    ):
        (tmp_path / f"{2 * number + 1:06d}.jpg").write_bytes(damaged)
    result, log = read_camera(camera_environment(tmp_path), 6)
    assert {frame["number"] for frame in result["frames"]} <= {0, 2, 4, 6, 8, 9, 10, 11}
    assert all(line.startswith("INFO:pulsar_cam") for line in log.splitlines())


def test_jpegs_without_huffman_tables_or_without_their_end_are_taken(tmp_path: Path) -> None:
    """Many cameras save those bytes; such a JPEG is decoded here, because not every viewer could."""
    write_pattern_jpegs(tmp_path, 12)
    for number, path in enumerate(sorted(tmp_path.iterdir())):
        path.write_bytes(without_huffman_tables(path.read_bytes()) if number % 2 else path.read_bytes()[:-2])
    result, _ = read_camera(camera_environment(tmp_path), 6, keep_jpeg=True)
    numbers = [frame["number"] for frame in result["frames"]]
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    assert result["jpegs"] == []


def test_an_unplugged_camera_has_stopped(cards: Path) -> None:
    result, _ = read_camera(camera_environment(cards, frames=8), 100)
    assert 0 < len(result["frames"]) <= 8
    name, sentence = result["error"]
    assert name == "SourceStopped"
    assert sentence.startswith("camera-0 stopped: no good frame for 0.3 s; check the cable")


def test_a_camera_that_gives_only_garbage_has_stopped(tmp_path: Path) -> None:
    (tmp_path / "garbage.jpg").write_bytes(b"no picture")
    result, _ = read_camera(camera_environment(tmp_path), 1)
    assert result["frames"] == []
    assert result["error"][0] == "SourceStopped"


def test_close_while_another_thread_waits_for_a_frame(cards: Path) -> None:
    code = """
import threading, time
from pulsar_cam.sources.opening import open_source
for delay in (0.0, 0.05, 0.2, 0.3):
    source = open_source("0")
    closer = threading.Timer(delay, source.close)
    closer.start()
    while source.read() is not None:
        pass
    closer.join()
print("closed")
"""
    environment = camera_environment(cards, fps=10)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("denied", "camera 0 is there, but permission is denied (sudo usermod -aG video $USER, then log in again)"),
        ("busy", "camera 0 is used by another program, or is not a camera"),
    ],
)
def test_a_camera_that_cannot_be_opened_says_why(cards: Path, fault: str, sentence: str) -> None:
    result, log = read_camera(camera_environment(cards, fault=fault), 1)
    assert result["error"][0] == "DeviceNotFound"
    assert result["error"][1].startswith(sentence)
    assert result["error"][1].endswith("try 'pulsar-cam publish --source test-pattern:'")
    assert log == ""


@pytest.mark.parametrize("device", ["77", "999999999999", "/dev/no-camera", "/dev/\udcff\n"])
def test_no_such_camera(device: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DeviceNotFound) as caught:
        open_device(device)
    assert str(caught.value).isprintable()
    assert " not found" in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_device_that_is_no_camera(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DeviceNotFound, match="/dev/null is used by another program, or is not a camera"):
        open_device("/dev/null")
    with pytest.raises(DeviceNotFound, match="/dev/ cannot be opened"):
        open_device("/dev/")
    assert capfd.readouterr() == ("", "")


def test_cameras_are_listed_with_their_names_and_without_other_nodes(tmp_path: Path, cards: Path) -> None:
    """Of two nodes that the kernel shows, one answers as a camera does, the other is a plain file."""
    for number in (2, 3):
        (tmp_path / f"video{number}").touch()
        (tmp_path / "class" / f"video{number}").mkdir(parents=True)
        (tmp_path / "class" / f"video{number}" / "name").write_text("USB Camera\n")
    code = f"""
from pathlib import Path
from pulsar_cam.sources import devices
devices._DEV, devices._SYSFS = Path({str(tmp_path)!r}), Path({str(tmp_path / "class")!r})
print([str(camera) for camera in devices.list_cameras()])
"""
    for fault in ("", "denied"):
        environment = camera_environment(cards, device=str(tmp_path / "video2"), fault=fault)
        printed = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
        )
        assert (printed.stdout, printed.stderr) == ("['2 (USB Camera)']\n", "")


def test_elsewhere_than_on_linux_numbers_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    class OnlyTheSecond:
        def __init__(self, number: int = -1, backend: int = 0) -> None:
            opened.append((number, backend))
            self.isOpened = lambda: number == 1
            self.release = lambda: None

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(cv2, "VideoCapture", OnlyTheSecond)
    assert list_cameras() == [Camera(1)]
    assert opened == [(number, cv2.CAP_AVFOUNDATION) for number in range(4)]
    with pytest.raises(DeviceNotFound, match="choose from: 1"):
        devices.open_device("7")
