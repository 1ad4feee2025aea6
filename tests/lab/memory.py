"""How much memory a process takes, as Linux reports it; no other system reports the peak of another process."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

MOST_GROWTH_MB = 300
"""What hostile input may cost a viewer, beyond what it has when idle."""

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")


def resident_mb(pid: int | str = "self") -> float:
    """Return how much memory a process has now, in MB of 10^6 bytes."""
    return _megabytes(pid, "VmRSS")


def peak_mb(pid: int | str = "self") -> float:
    """Return how much memory a process had at most, in MB of 10^6 bytes."""
    return _megabytes(pid, "VmHWM")


def forget_peak() -> None:
    """Let this process's peak begin again at what it has now (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _megabytes(pid: int | str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found
    return int(found.group(1)) * 1024 / 1e6
