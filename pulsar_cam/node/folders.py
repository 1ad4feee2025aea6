"""Where nodes keep their data and their software, and what that takes of a disk."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import platformdirs

LEAST_FREE_BYTES = 1 << 30
# Pulsar refuses to write on a disk that is fuller than 99 %.
_LEAST_FREE_SHARE = 0.012


def data_folder() -> Path:
    """Return the folder of all nodes: PULSAR_CAM_DATA, or the user's data folder."""
    if chosen := os.environ.get("PULSAR_CAM_DATA"):
        return Path(chosen).expanduser()
    return platformdirs.user_data_path("pulsar-cam", appauthor=False)


def cache_folder() -> Path:
    """Return where Pulsar's distribution is kept, for all nodes of this user."""
    return platformdirs.user_cache_path("pulsar-cam", appauthor=False)


def free_bytes(folder: Path) -> int:
    """Return what is free on the disk of an existing folder."""
    return shutil.disk_usage(folder).free


def is_too_full(folder: Path) -> bool:
    """Return whether the disk of an existing folder has too little room for a node to start."""
    disk = shutil.disk_usage(folder)
    return disk.free < max(LEAST_FREE_BYTES, disk.total * _LEAST_FREE_SHARE)


def disk_bytes(folder: Path) -> int:
    """Return the disk space that the files of a folder take."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # files come and go
                stat = os.stat(os.path.join(parent, name))
                # Files are made long in advance: their length is not what they take.
                total += stat.st_blocks * 512 if hasattr(stat, "st_blocks") else stat.st_size
    return total
