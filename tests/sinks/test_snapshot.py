"""One picture to a file: complete or not at all."""

from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pulsar_cam.errors import DecodeError, InvalidOption, OutputError
from pulsar_cam.frame import Frame
from pulsar_cam.pictures.jpeg import decode, encode
from pulsar_cam.sinks.snapshot import check_snapshot_path, free_path, save_snapshot

FRAME = Frame(np.full((48, 64, 3), 77, np.uint8), captured_at_ns=0, sequence=3, source="camera-0")
PACKET = encode(FRAME, 90)


@pytest.mark.parametrize(
    "name", ["a.jpg", "A.JPEG", "Kühe im Stall.jpg", "x" * 251 + ".jpg", os.fsdecode(b"caf\xe9.jpg")]
)
def test_jpeg_is_written_byte_for_byte_as_it_was_received(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    save_snapshot(PACKET, path)
    assert path.read_bytes() == PACKET.jpeg
    assert list(tmp_path.iterdir()) == [path]


def test_png_has_the_decoded_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.PNG"
    save_snapshot(PACKET, path)
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert picture is not None
    assert np.array_equal(picture, decode(PACKET).image)


def test_damaged_picture_leaves_the_old_png(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(DecodeError):
        save_snapshot(replace(PACKET, jpeg=PACKET.jpeg[:100]), path)
    assert path.read_bytes() == b"old"


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Let the system refuse to write more than some bytes into one file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    with files_limited_to(len(PACKET.jpeg) // 2), pytest.raises(OutputError, match=os.strerror(errno.EFBIG)):
        save_snapshot(PACKET, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_replacement_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.mkdir()
    with pytest.raises(OutputError, match=r"^cannot write .*a\.jpg: "):
        save_snapshot(PACKET, path)
    assert list(tmp_path.iterdir()) == [path]


def test_folder_that_went_away_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=os.strerror(errno.ENOENT)):
        save_snapshot(PACKET, tmp_path / "gone" / "a.jpg")


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_others_may_read_it_as_far_as_the_umask_lets_them(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        save_snapshot(PACKET, tmp_path / "a.jpg")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.jpg").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.PNG"])
def test_path_is_checked_without_touching_it(name: str, tmp_path: Path) -> None:
    check_snapshot_path(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "a.gif", ".jpg", "jpg", "a.jpg.txt"])
def test_other_suffixes_are_wrong_usage(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"ends in \.jpg or \.png"):
        check_snapshot_path(tmp_path / name)


def test_folders_that_cannot_take_it_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "file").touch()
    for name, problem in {
        "folder.jpg": "name a file in it",
        "no/a.jpg": "create it first",
        "file/a.jpg": "create it",
        "a" * 300 + ".jpg": "too long",
    }.items():
        with pytest.raises(OutputError, match=problem):
            check_snapshot_path(tmp_path / name)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(OutputError, match="no permission to write in"):
        check_snapshot_path(tmp_path / "a.jpg")


def test_free_path_never_names_a_file_that_is_there(tmp_path: Path) -> None:
    paths = []
    for _ in range(4):
        paths.append(free_path(tmp_path, FRAME))
        paths[-1].touch()
    assert len(set(paths)) == 4
    assert all(path.name.startswith("camera-0-") and path.suffix == ".jpg" for path in paths)


@pytest.mark.parametrize(
    "source", ["../../etc/passwd", "/dev/null", "a\0b", "\x1b[2J", "..", "", "摄像头", "x" * 500, "a\\b:c"]
)
def test_free_path_stays_in_its_folder_whatever_the_source_is_called(source: str, tmp_path: Path) -> None:
    path = free_path(tmp_path, Frame(FRAME.image, 0, sequence=9_999_999_999_999_999_999, source=source))
    assert path.parent == tmp_path
    assert path.name.isascii()
    assert path.name.isprintable()
    assert len(path.name) < 100
    save_snapshot(PACKET, path)
    assert path.is_file()
