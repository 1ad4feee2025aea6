"""Look for input that breaks the parsers or the decoder, for as long as you like: python scripts/fuzz.py TARGET [...]

TARGET is one of: delivery (a text from a node, the whole way of a viewer), jpeg, receipt, refusal. What follows goes
to libFuzzer, such as -max_total_time=300. It begins with tests/lab/corpora/TARGET. What breaks something is written
to the current folder, and belongs into that corpus once it is mended.
Needs atheris (pip install atheris), which is there for Linux only, so that no extra asks for it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["pulsar_cam"]):
    from tests.lab.corpus import TARGETS


def main() -> None:
    """Fuzz until something breaks, or the time is over."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"usage: python scripts/fuzz.py {'|'.join(TARGETS)} [libFuzzer options]")
    with tempfile.TemporaryDirectory() as found:  # the first folder takes what is new
        corpus = [found, str(ROOT / "tests" / "corpora" / name)]
        atheris.Setup([sys.argv[0], *sys.argv[2:], *corpus], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
