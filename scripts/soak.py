"""Faults for half an hour: python scripts/soak.py [--minutes 30] [--every 20] [--seed N] [--report FOLDER]

Starts a node of its own with five clients, each behind a link of its own: a camera, its live viewer, an auditor who
is shown every frame, and a film with its viewer, of which no frame may be lost. Something fails every 20 s. Prints
what failed and how long it took to come back, and at the end a report; exits with 0 only if every promise held.
docs/soak.md explains the report. Needs the packages of the tests.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the tests' links and nodes

from pulsar_cam.runtime.allocator import keep_one_arena
from scripts.soaking import report
from scripts.soaking.faults import FAULTS, Scene
from scripts.soaking.gauge import Gauge, read
from scripts.soaking.streams import LINKS, Streams
from tests.lab.link import link_to
from tests.lab.mortal import mortal_node

CALM_S = 10.0  # before the first fault


def main() -> int:
    """Soak, and return the exit code."""
    keep_one_arena()  # as the command line does
    chosen = options()
    seed = random.randrange(10_000) if chosen.seed is None else chosen.seed
    heading = f"Soak of {chosen.minutes:g} minutes, a fault every {chosen.every:g} s, seed {seed}"
    print(heading, flush=True)
    log_to(chosen.report)
    before = read()
    with tempfile.TemporaryDirectory(prefix="pulsar-cam-soak-") as name:
        folder = Path(name)
        with mortal_node(folder) as node, contextlib.ExitStack() as stack:
            links = {name: stack.enter_context(link_to(node.state)) for name in LINKS}
            streams = Streams({name: link.endpoint for name, link in links.items()})
            scene = Scene(node, links, streams, random.Random(seed))
            with Gauge(node, folder) as gauge:
                streams.start()
                events = list(faults(scene, chosen.minutes * 60, chosen.every))
                print("ending", flush=True)
                problems = streams.end()
        time.sleep(1)  # what was aborted closes a little later
        judged = report.verdicts(events, streams, problems)
        judged += report.resources(gauge, before, read())
    if chosen.report:
        report.save(chosen.report, report.markdown(heading, events, judged), events, judged, gauge)
    show(events, judged)
    return 0 if all(verdict.holds for verdict in judged) else 1


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="how long faults are done (30)")
    parser.add_argument("--every", type=float, default=20, help="seconds from the start of a fault to the next (20)")
    parser.add_argument("--seed", type=int, help="which faults; a random one by default, and printed")
    parser.add_argument("--report", type=Path, help="a folder for soak.md, soak.json and soak.log")
    return parser.parse_args()


def log_to(folder: Path | None) -> None:
    """Write what the library logs into a file of a folder, or nowhere: many connections are lost."""
    if not folder:
        logging.getLogger("pulsar_cam").addHandler(logging.NullHandler())
        return
    folder.mkdir(parents=True, exist_ok=True)
    form = "%(asctime)s %(threadName)s %(name)s %(levelname)s %(message)s"
    logging.basicConfig(filename=folder / "soak.log", filemode="w", level=logging.WARNING, format=form)
    logging.getLogger("pulsar_cam").setLevel(logging.INFO)


def faults(scene: Scene, seconds: float, every_s: float) -> Iterator[report.Event]:
    """Do one fault after the other until the time is over or a client ended; each kind before any comes again."""
    started_s = time.monotonic()
    time.sleep(CALM_S)
    bag: list[str] = []
    while time.monotonic() - started_s < seconds and all(run.is_alive() for run in scene.streams.runs):
        bag = bag or scene.random.sample(list(FAULTS), len(FAULTS))
        began_s = time.monotonic()
        name = bag.pop()
        extent = FAULTS[name](scene)
        event = report.Event(round(began_s - started_s, 1), name, extent, *recovery(scene.streams))
        print(event.line, flush=True)
        yield event
        time.sleep(max(0.0, began_s + every_s - time.monotonic()))


def recovery(streams: Streams) -> tuple[float | None, float | None]:
    """Wait for new frames; return after how many seconds the live viewer and all saw one, None if not in HANG_S."""
    lifted_s, lifted_ns = time.monotonic(), time.time_ns()
    before = [audience.showings for audience in streams.audiences]
    live_s: float | None = None
    while (passed_s := time.monotonic() - lifted_s) < report.HANG_S:
        if live_s is None and streams.viewer.newest_ns > lifted_ns:
            live_s = passed_s
        now = [audience.showings for audience in streams.audiences]
        if live_s is not None and all(new > old for new, old in zip(now, before, strict=True)):
            return live_s, passed_s
        time.sleep(0.02)
    return live_s, None


def show(events: list[report.Event], judged: list[report.Verdict]) -> None:
    """Print the report."""
    recoveries = Table("fault", "times", "live again, p50 / max s", "all again, p50 / max s")
    for row in report.recoveries(events):
        recoveries.add_row(*row)
    promises = Table("", "promise", "figures")
    for verdict in judged:
        promises.add_row("holds" if verdict.holds else "FAILS", verdict.promise, verdict.figures)
    console = Console(width=150)
    console.print(recoveries, promises)


if __name__ == "__main__":
    sys.exit(main())
