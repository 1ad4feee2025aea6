"""The official Pulsar server distribution: fetched once, checked, unpacked into the user's cache folder.

Nothing is ever seen half done: the download and the unpacked tree live in a folder of their own, and the tree gets
its final name by one rename, after its checksum was right.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ...errors import LocalNodeError
from ...text import size_text
from .maven import DownloadFailed, Progress, fetch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Release:
    """One release of the server distribution: its tarball's size in bytes and its SHA-512."""

    version: str
    size: int
    sha512: str


PULSAR = Release(
    "4.0.8",
    245_494_718,
    "65b769b10696cdfebf7fc5bcdc95dd663702e27051e616c1a13cb100e91279525be35352171befe7b0011176330aab29"
    "bd0a6c8a0f2f0646641af46d2e33cbd6",
)

Fetch = Callable[[str, Path, Progress], Path]

_ATTEMPTS = 2
_OTHER_DOWNLOAD_TIMEOUT_S = 1800
_INCOMING = "incoming-"
# The tarball and the tree it becomes, of about the same size, are on the disk together for a moment.
_SPACE_FACTOR = 2.2


def pulsar_home(cache: Path, progress: Progress, *, release: Release = PULSAR, fetch: Fetch = fetch) -> Path:
    """Return the folder of a Pulsar distribution: PULSAR_HOME, or the one in the cache, fetched if it is not there.

    Raises:
        LocalNodeError: PULSAR_HOME is not a distribution, or the download or the disk fails.
    """
    if chosen := os.environ.get("PULSAR_HOME"):
        return _check_home(Path(chosen).expanduser().resolve())
    home = cache / f"apache-pulsar-{release.version}"
    if not home.is_dir():
        try:
            _install(home, release, fetch, progress)
        except OSError as error:
            raise LocalNodeError(
                f"Pulsar cannot be stored in {cache}: {error.strerror or error}",
                "make room or access there, then try again",
            ) from error
    return home


def version_of(home: Path) -> str:
    """Return a distribution's version, as its broker's file name has it."""
    prefix = "org.apache.pulsar-pulsar-broker-"
    names = (jar.stem.removeprefix(prefix) for jar in (home / "lib").glob(f"{prefix}*.jar"))
    return next((name for name in names if name[0].isdigit()), "unknown")


def _check_home(home: Path) -> Path:
    if not (home / "conf" / "standalone.conf").is_file() or version_of(home) == "unknown":
        raise LocalNodeError(
            f"PULSAR_HOME={home} is not a Pulsar distribution: it has no conf/standalone.conf, or no broker in lib/",
            "correct it, or unset it to have Pulsar downloaded",
        )
    return home


def _install(home: Path, release: Release, fetch: Fetch, progress: Progress) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    with _only_download(home.parent):
        if home.is_dir():
            return
        for leftover in home.parent.glob(f"{_INCOMING}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        _check_space(home.parent, release)
        with tempfile.TemporaryDirectory(prefix=_INCOMING, dir=home.parent, ignore_cleanup_errors=True) as incoming:
            tarball = _fetch_checked(Path(incoming), release, fetch, progress)
            os.replace(_unpack(tarball, Path(incoming) / "unpacked"), home)


@contextmanager
def _only_download(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / "download.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("another process downloads Pulsar: waiting for it")
        try:
            lock.acquire(timeout=_OTHER_DOWNLOAD_TIMEOUT_S)
        except Timeout as error:
            raise LocalNodeError(
                f"another process has been downloading Pulsar for {_OTHER_DOWNLOAD_TIMEOUT_S // 60} minutes",
                "end it, then try again",
            ) from error
    try:
        yield
    finally:
        lock.release()


def _check_space(folder: Path, release: Release) -> None:
    needed, free = int(release.size * _SPACE_FACTOR), shutil.disk_usage(folder).free
    if free < needed:
        raise LocalNodeError(
            f"Pulsar needs {size_text(needed)} in {folder}, and {size_text(free)} are free",
            "make room, then try again",
        )


def _fetch_checked(incoming: Path, release: Release, fetch: Fetch, progress: Progress) -> Path:
    problem = ""
    for attempt in range(_ATTEMPTS):
        try:
            tarball = fetch(release.version, incoming / str(attempt), progress)
            _check_content(tarball, release)
            return tarball
        except DownloadFailed as error:
            problem = str(error)
            log.info("download of Pulsar: %s", problem)
            shutil.rmtree(incoming / str(attempt), ignore_errors=True)
    raise LocalNodeError(
        f"Pulsar {release.version} could not be downloaded: {problem}",
        "check the network and try again, or set PULSAR_HOME to an unpacked Pulsar distribution",
    )


def _check_content(tarball: Path, release: Release) -> None:
    size = tarball.stat().st_size
    if size != release.size:
        raise DownloadFailed(f"{size:,} bytes arrived instead of {release.size:,}")
    with tarball.open("rb") as file:
        if hashlib.file_digest(file, "sha512").hexdigest() != release.sha512:
            raise DownloadFailed("the checksum of what arrived is wrong")


def _unpack(tarball: Path, into: Path) -> Path:
    """Unpack into a new folder, and return the one folder that is then in it."""
    try:
        with tarfile.open(tarball, "r:gz") as archive:
            # Python before 3.11.4 has no filters; what is unpacked is known by its checksum.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(into)  # noqa: S202 - see above
    except (tarfile.TarError, EOFError) as error:
        raise LocalNodeError(
            f"Pulsar's archive cannot be unpacked: {error}", "report this: its checksum was right"
        ) from error
    (tree,) = into.iterdir()
    return tree
