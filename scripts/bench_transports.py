"""The same frames over this project and over what else people use: .venv/bin/python -m scripts.bench_transports

See docs/benchmarks.md for what is measured and how. Needs the extra ``bench``: sh scripts/setup bench.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import signal
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from pulsar_cam.errors import PulsarCamError
from scripts.bench.check import targets
from scripts.bench.frames import make_ring
from scripts.bench.node import Addresses, own_node
from scripts.bench.plan import QUICK, SIZES, Plan
from scripts.bench.run import Run
from scripts.bench.table import print_tables, print_targets
from scripts.bench.transports import TRANSPORTS

ROOT = Path(__file__).parent.parent
_COLUMNS = 180
QUICK_TRANSPORTS = (
    "ours-persistent",
    "ours-non-persistent",
    "ours-mjpeg",
    "common-persistent",
    "common-non-persistent",
    "naive-websocket",
)


def main() -> int:
    """Run the benchmark; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would ignore the first
        signal.signal(number, signal.default_int_handler)
    options = _options()
    try:
        results = _measure(options)
    except PulsarCamError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    judged = targets(results)
    results["targets"] = [{"sentence": target.sentence, "holds": target.holds} for target in judged]
    console = Console(width=max(_COLUMNS, Console().width))
    print_tables(results, console)
    print_targets(judged, results, console)
    if options.out:
        _save(results, options.out)
    return 1 if options.check and not all(target.holds for target in judged) else 0


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    began_s, status = time.monotonic(), Console(stderr=True)

    def say(text: str) -> None:
        status.print(f"{time.monotonic() - began_s:5.0f} s  {text}", markup=False)

    plan = QUICK if options.quick else Plan()
    if options.seconds:
        plan = replace(plan, age_s=options.seconds / plan.age_rounds + plan.settle_s)
    with contextlib.ExitStack() as stack:
        rings = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pulsar-cam-bench-")))
        drawing = threading.Thread(target=_draw, args=(plan, rings), daemon=True)
        drawing.start()  # a node takes its time to start
        if options.service_url:
            node = Addresses(options.service_url, options.broker_url)
        else:
            node = stack.enter_context(own_node())
        drawing.join()
        return Run(plan, options.transports, rings, node, say).results()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--quick", action="store_true", help="only what --check needs, within a minute")
    add("--check", action="store_true", help="exit with 1 if a target does not hold")
    add("--seconds", type=float, help="of age measurement for each transport and size, all rounds together")
    add("--transports", help=f"only these, with commas: {', '.join(TRANSPORTS)}")
    add("--service-url", help="HTTP address of a node that runs already; by default one is started")
    add("--broker-url", help="its address for native clients, such as pulsar://localhost:6650")
    add("--out", type=Path, help="folder for the JSON file and the pictures; docs/benchmarks, or none with --quick")
    options = parser.parse_args()
    if bool(options.service_url) != bool(options.broker_url):
        parser.error("--service-url and --broker-url belong together")
    chosen = options.transports.split(",") if options.transports else None
    unknown = set(chosen or ()) - set(TRANSPORTS)
    if unknown:
        parser.error(f"unknown transports: {', '.join(sorted(unknown))}")
    if not options.out and not options.quick:  # a quick run does not replace the published figures
        options.out = ROOT / "docs" / "benchmarks"
    if options.out and importlib.util.find_spec("matplotlib") is None:
        parser.error("the pictures need matplotlib: sh scripts/setup bench")
    options.transports = chosen or (QUICK_TRANSPORTS if options.quick else list(TRANSPORTS))
    return options


def _draw(plan: Plan, rings: Path) -> None:
    for name in dict.fromkeys(("720p", *plan.age_sizes, *plan.flood_sizes)):
        make_ring(rings / name, SIZES[name])


def _save(results: dict[str, Any], folder: Path) -> None:
    from scripts.bench.plots import save_pictures

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "transports.json").write_text(json.dumps(results) + "\n")
    save_pictures(results, folder)


if __name__ == "__main__":
    sys.exit(main())
