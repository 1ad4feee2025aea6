"""The pages as a site: it builds, fetches nothing from others, and a broken link fails it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(r"""<(?:script|img|link|iframe)[^>]+(?:src|href)=["'](?:https?:)?//""")


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", f"{root}/mkdocs.yml"]
    return subprocess.run([*command, "--site-dir", str(site)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("docs", "scripts", "pulsar_cam"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (*ROOT.glob("*.md"), ROOT / "LICENSE", ROOT / "mkdocs.yml"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_the_site_is_complete_and_fetches_nothing(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    pages = {
        page.parent.relative_to(tmp_path).as_posix(): page.read_text("utf-8") for page in tmp_path.rglob("index.html")
    }
    assert {".", "CONTRIBUTING", "LICENSE", "commands", "reference"} <= set(pages)
    assert not [name for name, page in pages.items() if FETCHED.search(page)]


def test_every_broken_link_fails_the_build(copy: Path) -> None:
    links = ("../LICENCE", "commands.md#such-a-heading", "no-such-page.md", "pictures/none.png")
    page = copy / "docs" / "disk.md"
    text = page.read_text(encoding="utf-8")
    page.write_text("\n".join([text, *(f"[there]({link})" for link in links)]), encoding="utf-8")
    done = build(copy, copy / "site")
    assert done.returncode == 1
    assert not [link for link in links if link.partition("#")[0] not in done.stderr]
    assert f"{len(links)} warnings" in done.stdout + done.stderr
