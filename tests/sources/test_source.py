"""Sources: files and addresses, good and bad, read to their end."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from pulsar_cam.errors import DeviceNotFound, InvalidOption, SourceStopped, SourceUnreadable
from pulsar_cam.frame import Captured, Frame, Packet
from pulsar_cam.pictures.jpeg import decode
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.sources import opening
from pulsar_cam.sources.opening import open_source
from pulsar_cam.sources.pattern import PatternSource, read_pattern
from pulsar_cam.sources.reader import SourceReader
from pulsar_cam.sources.source import Source

from ..lab.xvfb import wait_until


def write_film(path: Path, count: int = 30, fps: float = 120, codec: str = "MJPG") -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (640, 480))
    assert writer.isOpened()
    source = PatternSource((640, 480), fps=240)
    for _ in range(count):
        frame = source.read()
        assert frame is not None
        writer.write(frame.image)
    writer.release()
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 numbered test cards at 120 fps, so that a test takes a quarter of a second."""
    return write_film(tmp_path_factory.mktemp("film") / "cards.avi")


def read(source: Source, count: int = 1000) -> list[Frame]:
    captured = read_any(source, count)
    frames = [each for each in captured if isinstance(each, Frame)]
    assert len(frames) == len(captured)
    return frames


def read_any(source: Source, count: int = 1000) -> list[Captured]:
    captured: list[Captured] = []
    while len(captured) < count and (each := source.read()) is not None:
        captured.append(each)
    return captured


def jpegs(source: Source, count: int = 1000) -> list[bytes]:
    captured = read_any(source, count)
    packets = [each for each in captured if isinstance(each, Packet)]
    assert len(packets) == len(captured)
    assert [packet.sequence for packet in packets] == list(range(len(packets)))
    assert {(packet.width, packet.height) for packet in packets} == {(640, 480)}
    return [packet.jpeg for packet in packets]


def numbers(frames: list[Frame]) -> list[int | None]:
    marks = [read_pattern(frame.image) for frame in frames]
    return [mark.number if mark else None for mark in marks]


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "MJPG"), ("a.mp4", "mp4v"), ("a.mkv", "MJPG")])
def test_every_frame_of_a_film_comes_once_and_in_order(tmp_path: Path, name: str, codec: str) -> None:
    source = open_source(str(write_film(tmp_path / name, codec=codec)))
    began_ns = time.time_ns()
    frames = read(source)
    assert numbers(frames) == list(range(30))
    assert [frame.sequence for frame in frames] == list(range(30))
    assert {frame.source for frame in frames} == {"a"}
    captured = [frame.captured_at_ns for frame in frames]
    assert captured == sorted(captured)
    assert began_ns <= captured[0]
    assert captured[-1] <= time.time_ns()
    assert all(frame.image.dtype == np.uint8 and frame.image.flags.c_contiguous for frame in frames)
    assert [source.read(), source.read()] == [None, None]
    source.close()
    source.close()


def test_a_film_can_loop(film: Path) -> None:
    frames = read(open_source(str(film), loop=True), 70)
    assert numbers(frames) == [*range(30), *range(30), *range(10)]
    assert [frame.sequence for frame in frames] == list(range(70))


def test_a_lower_rate_leaves_frames_out(film: Path) -> None:
    frames = read(open_source(str(film), fps=40))
    assert numbers(frames) == list(range(0, 30, 3))
    assert [frame.sequence for frame in frames] == list(range(10))


def test_a_higher_rate_changes_nothing(film: Path) -> None:
    assert numbers(read(open_source(str(film), fps=240))) == list(range(30))


@pytest.mark.parametrize(("fps", "last_ms"), [(1000, 300), (120, 75)])
def test_a_film_keeps_its_time_and_an_impossible_rate_is_taken_as_30(
    tmp_path: Path, fps: float, last_ms: int
) -> None:
    source = open_source(str(write_film(tmp_path / "film.avi", 10, fps)))
    frames = read(source)
    # Never faster than that; how much slower is up to the machine.
    assert frames[-1].captured_at_ns - frames[0].captured_at_ns >= (last_ms - 40) * 1_000_000


def test_a_film_is_scaled(film: Path) -> None:
    for size in ((320, 240), (1280, 960)):
        (frame,) = read(open_source(str(film), size=size), 1)
        assert (frame.width, frame.height) == size


@pytest.mark.parametrize("name", ["2024-01-01T10:00.avi", "frame%03d.avi", "with space #1?.avi", "käse.avi"])
def test_file_names_are_taken_as_they_are(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(film.read_bytes())
    monkeypatch.chdir(tmp_path)
    for uri in (name, str(path), path.as_uri()):
        (frame,) = read(open_source(uri), 1)
        assert frame.source == path.stem


def test_a_file_name_that_is_not_utf8_is_an_error_and_no_crash(film: Path, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"bad\xff\n.avi")
    path.write_bytes(film.read_bytes())
    with pytest.raises(SourceUnreadable, match="cannot open a file of such a name") as caught:
        open_source(str(path))
    assert str(caught.value).isprintable()


def test_a_truncated_film_ends_early(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.avi"
    whole = film.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    got = numbers(read(open_source(str(path))))
    assert 5 < len(got) < 30
    assert got[:-1] == list(range(len(got) - 1))


def test_an_unreadable_file_is_named_with_its_reason(film: Path, tmp_path: Path) -> None:
    header_only = film.read_bytes().partition(b"\xff\xd8")[0]
    for name, content in {"empty.mp4": b"", "text.mp4": b"hello\n" * 99, "noise.avi": os.urandom(5000)}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "header.avi").write_bytes(header_only)
    os.mkfifo(tmp_path / "pipe.avi")
    for name, reason in {
        "": "it is a directory",
        "missing.mp4": "there is no such file",
        "empty.mp4": "the file is empty",
        "text.mp4": "it is not a video that OpenCV can read, or it is damaged",
        "noise.avi": "it is not a video that OpenCV can read, or it is damaged",
        "header.avi": "there is not one frame in it",
        "pipe.avi": "it is not a regular file",
        "x" * 300: "File name too long",
        "empty.mp4/film.avi": "Not a directory",
        "a\0b": "OpenCV cannot open a file of such a name",
    }.items():
        with pytest.raises(SourceUnreadable) as caught:
            open_source(f"{tmp_path}/{name}")
        assert caught.value.problem == reason, name
        assert caught.value.remedy


def test_a_file_that_may_not_be_read(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(SourceUnreadable, match="permission denied"):
        open_source(str(film))


def test_broken_files_say_nothing_themselves(tmp_path: Path) -> None:
    """OpenCV and FFmpeg write to the file descriptor, so this is seen in a process of its own only."""
    (tmp_path / "noise.avi").write_bytes(os.urandom(5000))
    code = f"""
from pulsar_cam.errors import SourceUnreadable
from pulsar_cam.sources.opening import open_source
try:
    open_source({str(tmp_path / "noise.avi")!r})
except SourceUnreadable:
    print("unreadable")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("unreadable\n", "")


def test_close_ends_a_read_that_waits_for_its_time(tmp_path: Path) -> None:
    source = open_source(str(write_film(tmp_path / "slow.avi", 3, fps=0.2)))
    assert source.read() is not None
    threading.Timer(0.1, source.close).start()
    assert source.read() is None


def test_close_while_another_thread_reads_is_safe(film: Path) -> None:
    for delay in (0.0, 0.001, 0.003, 0.01, 0.03):
        source = open_source(str(film), loop=True)
        closer = threading.Timer(delay, source.close)
        closer.start()
        read(source, 10_000)
        closer.join()
        assert source.read() is None


@pytest.mark.parametrize("uri", ["test-pattern", "test-pattern:"])
def test_the_test_pattern(uri: str) -> None:
    (frame,) = read(open_source(uri), 1)
    assert (frame.width, frame.height, frame.source) == (1280, 720, "test-pattern")
    (small,) = read(open_source(uri, size=(640, 360), fps=5), 1)
    assert (small.width, small.height) == (640, 360)


@pytest.mark.parametrize("size", [(0, 480), (640, -1), (15, 480), (640, 7681)])
def test_impossible_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidOption, match=f"`size` {size[0]}x{size[1]}: expected 16 to 7680 pixels a side"):
        open_source("test-pattern:", size=size)


@pytest.mark.parametrize("fps", [0, -1, 240.1, float("nan"), float("inf")])
def test_impossible_rates_are_refused(fps: float) -> None:
    with pytest.raises(InvalidOption, match="expected more than 0 and at most 240"):
        open_source("test-pattern:", fps=fps)


@pytest.mark.parametrize(
    "uri", ["", "ftp://host/a.avi", "://", "http://", "http:///a", "rtsp://h\n/", "rtsp://h:99999/"]
)
def test_impossible_addresses_are_refused(uri: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        open_source(uri)
    assert str(caught.value).isprintable()


def test_a_number_is_a_camera_and_not_a_file() -> None:
    with pytest.raises(DeviceNotFound):
        open_source("63")


class Camera(BaseHTTPRequestHandler):
    """An HTTP camera (/live..., ten frames and then the cable is cut), and a web server with a film (/film.avi)."""

    film = b""
    jpegs: tuple[bytes, ...] = ()
    hangs = threading.Event()

    def do_GET(self) -> None:
        if self.path.startswith("/live"):
            self.send_stream()
        elif self.path == "/film.avi":
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.film)))
            self.end_headers()
            self.wfile.write(self.film)
        else:
            self.send_error(404)

    def send_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        damaged = [self.jpegs[3][:2000], *self.jpegs[3:]] if self.path == "/live-damaged" else self.jpegs[3:]
        for jpeg in (*self.jpegs[:3], *damaged):
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
        if self.path == "/live-silent":
            self.hangs.wait(30)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(film: Path) -> Iterator[str]:
    Camera.film = film.read_bytes()
    frames = read(PatternSource((640, 480), fps=240), 10)
    Camera.jpegs = tuple(cv2.imencode(".jpg", frame.image)[1].tobytes() for frame in frames)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_http_camera_is_live_until_it_stops(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    source = open_source(f"http://admin:geheim@{address}/live?key=geheim")
    frames = read(source, 10)
    with pytest.raises(SourceStopped, match="the connection was lost; check the network") as caught:
        source.read()
    assert numbers(frames) == list(range(10))
    assert [frame.sequence for frame in frames] == list(range(10))
    assert {frame.source for frame in frames} == {"127.0.0.1"}
    assert "geheim" not in str(caught.value) + caplog.text
    source.close()


def test_a_damaged_frame_of_an_http_camera_is_left_out(address: str) -> None:
    source = open_source(f"http://{address}/live-damaged", keep_jpeg=True)
    assert jpegs(source, 10) == list(Camera.jpegs)
    assert source.damaged == 1
    source.close()


def test_an_http_camera_that_falls_silent_has_stopped(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "TIMEOUT_S", 0.5)
    source = open_source(f"http://{address}/live-silent")
    assert numbers(read(source, 9)) == list(range(9))  # FFmpeg knows where a frame ends when the next one begins
    with pytest.raises(SourceStopped):
        read(source)
    Camera.hangs.set()
    source.close()


def test_an_http_camera_that_stops_is_connected_to_again(address: str) -> None:
    got: list[Captured] = []
    with SourceReader(
        lambda: open_source(f"http://{address}/live"), got.append, lambda: None, recovers=True
    ) as reader:
        reader.begin()
        wait_until(lambda: reader.losses == 2, "second end of the stream")
    assert [each.sequence for each in got[:20]] == list(range(20))
    assert reader.recovery_s is not None


def test_an_http_camera_can_be_scaled_and_closed(address: str) -> None:
    source = open_source(f"http://{address}/live", size=(320, 240))
    (frame,) = read(source, 1)
    assert (frame.width, frame.height) == (320, 240)
    source.close()
    assert source.read() is None


def test_an_http_cameras_own_jpegs_are_left_as_they_are(address: str) -> None:
    source = open_source(f"http://{address}/live", keep_jpeg=True)
    assert jpegs(source, 10) == list(Camera.jpegs)
    source.close()


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_the_jpegs_of_a_film_are_left_as_they_are(tmp_path: Path, name: str) -> None:
    source = open_source(str(write_film(tmp_path / name)), keep_jpeg=True, loop=True)
    film = jpegs(source, 45)
    source.close()
    assert film[30:] == film[:15]
    assert numbers([decode(Packet(jpeg, 640, 480, 0)) for jpeg in film[:30]]) == list(range(30))


@pytest.mark.parametrize(("codec", "size"), [("mp4v", None), ("MJPG", (320, 240))])
def test_where_there_is_no_jpeg_of_the_wanted_size_frames_come(
    tmp_path: Path, codec: str, size: tuple[int, int] | None
) -> None:
    path = write_film(tmp_path / "a.avi", 3, codec=codec)
    frames = read(open_source(str(path), size=size, keep_jpeg=True))
    assert {(frame.width, frame.height) for frame in frames} == {size or (640, 480)}
    assert len(frames) == 3


def test_a_film_on_a_web_server_has_an_end(address: str) -> None:
    assert numbers(read(open_source(f"http://{address}/film.avi"))) == list(range(30))


def test_an_address_without_video_says_so_and_keeps_secrets(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(opening, "TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))
        answering = "it answers, but gives no video; check path, user and password"
        for scheme, where, reason in (
            ("http", address, answering),
            ("http", f"127.0.0.1:{silent.getsockname()[1]}", answering),
            ("rtsp", f"127.0.0.1:{silent.getsockname()[1]}", answering),
            (
                "http",
                f"127.0.0.1:{refusing.getsockname()[1]}",
                "Connection refused; check the address, and that its server runs",
            ),
            (
                "rtsp",
                f"127.0.0.1:{refusing.getsockname()[1]}",
                "Connection refused; check the address, and that its server runs",
            ),
        ):
            with pytest.raises(SourceUnreadable) as caught:
                open_source(f"{scheme}://geheim:geheim@{where}/geheim?geheim=geheim#geheim")
            assert str(caught.value) == f"cannot read video from {scheme}://{where}: {reason}"
    assert "geheim" not in caplog.text


@pytest.mark.parametrize("secret", ["ge/heim", "ge?heim", "ge#heim", "1/geheim", "1?geheim"])
def test_a_password_that_breaks_the_url_is_not_shown(secret: str) -> None:
    with pytest.raises(InvalidOption, match="%2F %3F %23 %40") as caught:
        open_source(f"rtsp://admin:{secret}@127.0.0.1/live")
    assert "heim" not in str(caught.value)
    assert "heim" not in repr(caught.value)
