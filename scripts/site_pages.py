"""Hooks of mkdocs: the pages that a forge wants in the root of the project are pages of the site, too.

A link is written as it is right on the forge: ``docs/disk.md`` from the README, ``../LICENSE`` from a page of docs/.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
IN_ROOT = {name: f"{Path(name).stem}.md" for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE")}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages in the root to those in docs/."""
    for name, page in IN_ROOT.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text if name == page else f"```\n{text}```\n"))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links between both places to the pages of the site."""
    for name, target in IN_ROOT.items():
        markdown = markdown.replace(f"](../{name})", f"]({target})").replace(f"]({name})", f"]({target})")
    return markdown.replace("](docs/", "](") if page.file.src_uri in IN_ROOT.values() else markdown
