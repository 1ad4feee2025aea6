"""What is called pure can be imported without sockets, HTTP or OpenCV."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAVY = ("websockets", "httpx", "cv2")
PURE = (
    "pulsar_cam.health.finding",
    "pulsar_cam.pulsar.messages.wire",
    "pulsar_cam.pulsar.sessions.in_flight",
    "pulsar_cam.pulsar.messages.condition",
    "pulsar_cam.publishing.plan",
    "pulsar_cam.publishing.stats",
    "pulsar_cam.publishing.control.setting",
    "pulsar_cam.publishing.control.controller",
    "pulsar_cam.watching.plan",
    "pulsar_cam.watching.stats",
    "pulsar_cam.watching.backlog",
    "pulsar_cam.watching.receiver",
    "pulsar_cam.monitor.judge",
    "pulsar_cam.monitor.looks.stream_count",
    "pulsar_cam.monitor.probes.policy",
    "pulsar_cam.monitor.probes.probe",
    "pulsar_cam.monitor.hooks.changes",
)
ROOMS = ("measure", "runtime")  # of which every module is pure
PROGRAM = """
import importlib, sys
heavy, modules = sys.argv[1].split(), sys.argv[2:]
for module in modules:
    importlib.import_module(module)
    loaded = [name for name in heavy if name in sys.modules]
    if loaded:
        sys.exit(f"{module} loads {loaded}")
print(len(modules))
"""


def test_pure_modules_are_imported_alone() -> None:
    files = [file for room in ROOMS for file in (ROOT / "pulsar_cam" / room).glob("[!_]*.py")]
    assert len(files) > 10
    modules = [*PURE, *(f"pulsar_cam.{file.parent.name}.{file.stem}" for file in files)]
    command = [sys.executable, "-c", PROGRAM, " ".join(HEAVY), *modules]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (f"{len(modules)}\n", "")
