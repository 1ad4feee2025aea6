"""The download against every way in which it can go wrong; the network is played by a function."""

from __future__ import annotations

import errno
import hashlib
import io
import tarfile
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from pulsar_cam.errors import LocalNodeError
from pulsar_cam.node.software import distribution
from pulsar_cam.node.software.distribution import Release, pulsar_home, version_of
from pulsar_cam.node.software.maven import DownloadFailed, Progress

JAR = "org.apache.pulsar-pulsar-broker-9.9.9.jar"


def make_tarball() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("conf/standalone.conf", f"lib/{JAR}"):
            member = tarfile.TarInfo(f"apache-pulsar-9.9.9/{name}")
            member.size = 4
            archive.addfile(member, io.BytesIO(b"a=b\n"))
    return buffer.getvalue()


TARBALL = make_tarball()
RELEASE = Release("9.9.9", len(TARBALL), hashlib.sha512(TARBALL).hexdigest())


class Repository:
    """Plays the Maven repository: each download takes the next answer, bytes to deliver or an error to raise."""

    def __init__(self, *answers: bytes | BaseException) -> None:
        self.answers = list(answers)
        self.downloads = 0

    def fetch(self, _version: str, folder: Path, progress: Progress) -> Path:
        self.downloads += 1
        answer = self.answers.pop(0)
        folder.mkdir()
        tarball = folder / "pulsar.tar.gz"
        if isinstance(answer, BaseException):
            tarball.write_bytes(TARBALL[:10])
            raise answer
        tarball.write_bytes(answer)
        progress(len(answer), len(answer))
        return tarball


def quiet(_arrived: int, _total: int) -> None:
    pass


def get(cache: Path, repository: Repository) -> Path:
    return pulsar_home(cache, quiet, release=RELEASE, fetch=repository.fetch)


def contents(cache: Path) -> list[str]:
    return sorted(each.name for each in cache.iterdir() if each.name != "download.lock")


@pytest.fixture(autouse=True)
def _no_pulsar_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULSAR_HOME", raising=False)


def test_the_first_call_downloads_and_the_second_does_not(tmp_path: Path) -> None:
    repository = Repository(TARBALL)
    home = get(tmp_path / "new folder", repository)
    assert version_of(home) == "9.9.9"
    assert get(tmp_path / "new folder", repository) == home
    assert repository.downloads == 1
    assert contents(tmp_path / "new folder") == ["apache-pulsar-9.9.9"]


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    repository = Repository(TARBALL)
    pulsar_home(tmp_path, lambda *sizes: told.append(sizes), release=RELEASE, fetch=repository.fetch)
    assert told == [(len(TARBALL), len(TARBALL))]


WRONG = bytes(len(TARBALL))


@pytest.mark.parametrize("bad", [TARBALL[:-1], WRONG, b"", DownloadFailed("the connection broke")])
def test_a_bad_download_is_tried_once_more(tmp_path: Path, bad: bytes | DownloadFailed) -> None:
    repository = Repository(bad, TARBALL)
    assert get(tmp_path, repository).is_dir()
    assert repository.downloads == 2


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (TARBALL[:-1], f"{len(TARBALL) - 1:,} bytes arrived instead of {len(TARBALL):,}"),
        (WRONG, "checksum of what arrived is wrong"),
        (DownloadFailed("no connection to the Maven repository"), "no connection to the Maven repository"),
    ],
)
def test_two_bad_downloads_leave_nothing_and_the_next_start_works(
    tmp_path: Path, bad: bytes | DownloadFailed, sentence: str
) -> None:
    with pytest.raises(LocalNodeError, match=sentence):
        get(tmp_path, Repository(bad, bad))
    assert contents(tmp_path) == []
    assert get(tmp_path, Repository(TARBALL)).is_dir()


def test_a_full_disk_leaves_nothing_and_the_next_start_works(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(LocalNodeError, match="No space left on device; make room"):
        get(tmp_path, Repository(full))
    assert contents(tmp_path) == []
    assert get(tmp_path, Repository(TARBALL)).is_dir()


def test_too_little_space_is_said_before_the_download(tmp_path: Path) -> None:
    repository = Repository()
    huge = Release("9.9.9", 1 << 60, RELEASE.sha512)
    with pytest.raises(LocalNodeError, match=r"[MGT]B are free; make room"):
        pulsar_home(tmp_path, quiet, release=huge, fetch=repository.fetch)
    assert repository.downloads == 0


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        get(tmp_path, Repository(KeyboardInterrupt()))
    assert contents(tmp_path) == []


def test_what_a_killed_download_left_is_swept_away(tmp_path: Path) -> None:
    leftover = tmp_path / "incoming-abc" / "0"
    leftover.mkdir(parents=True)
    (leftover / "pulsar.tar.gz").write_bytes(TARBALL[:50])
    assert get(tmp_path, Repository(TARBALL)).is_dir()
    assert contents(tmp_path) == ["apache-pulsar-9.9.9"]


def test_a_cache_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(LocalNodeError, match="cannot be stored in"):
        get(tmp_path / "cache", Repository(TARBALL))


def test_an_archive_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    junk = b"no archive"
    release = Release("9.9.9", len(junk), hashlib.sha512(junk).hexdigest())
    with pytest.raises(LocalNodeError, match="cannot be unpacked"):
        pulsar_home(tmp_path, quiet, release=release, fetch=Repository(junk).fetch)


def test_two_starts_at_once_download_once(tmp_path: Path) -> None:
    repository = Repository(TARBALL)
    entered, go_on = threading.Event(), threading.Event()
    homes: list[Path] = []

    def slow_fetch(version: str, folder: Path, progress: Progress) -> Path:
        entered.set()
        assert go_on.wait(30)
        return repository.fetch(version, folder, progress)

    def start() -> None:
        homes.append(pulsar_home(tmp_path, quiet, release=RELEASE, fetch=slow_fetch))

    first, second = threading.Thread(target=start), threading.Thread(target=start)
    first.start()
    assert entered.wait(30)
    second.start()
    go_on.set()
    first.join(30)
    second.join(30)
    assert homes == [tmp_path / "apache-pulsar-9.9.9"] * 2
    assert repository.downloads == 1


def test_an_endless_other_download_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "_OTHER_DOWNLOAD_TIMEOUT_S", 0)
    lock = FileLock(tmp_path / "download.lock")
    with lock, pytest.raises(LocalNodeError, match="another process has been downloading"):
        get(tmp_path, Repository(TARBALL))


def test_pulsar_home_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = get(tmp_path, Repository(TARBALL))
    monkeypatch.setenv("PULSAR_HOME", str(home))
    assert get(tmp_path / "not made", Repository()) == home
    assert not (tmp_path / "not made").exists()


@pytest.mark.parametrize("missing", ["conf/standalone.conf", f"lib/{JAR}"])
def test_a_pulsar_home_that_is_none_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    home = get(tmp_path, Repository(TARBALL))
    (home / missing).unlink()
    monkeypatch.setenv("PULSAR_HOME", str(home))
    with pytest.raises(LocalNodeError, match="is not a Pulsar distribution"):
        get(tmp_path, Repository())
