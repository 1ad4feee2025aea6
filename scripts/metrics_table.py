"""Write the table of all metrics into docs/monitoring/metrics.md: .venv/bin/python -m scripts.metrics_table"""

from __future__ import annotations

from pathlib import Path

from pulsar_cam.metrics.families import FAMILIES

PAGE = Path(__file__).parents[1] / "docs" / "monitoring" / "metrics.md"
HEAD = "| metric | kind | unit | labels | what it is |\n| --- | --- | --- | --- | --- |\n"


def table() -> str:
    """Return the table, with a line for each metric."""
    return HEAD + "".join(
        f"| `{family.full_name}` | {family.kind} | {family.unit.replace('_', ' ')} | "
        f"{' '.join(f'`{label}`' for label in family.labels)} | {family.help} |\n"
        for family in FAMILIES
    )


def with_table(page: str) -> str:
    """Return the page with the table as it is now in the place of the one that it has."""
    before, head, rest = page.partition(HEAD.splitlines()[0])
    assert head, "the page has no table"
    return before + table() + "\n" + rest.split("\n\n", 1)[1]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
