"""What is called pure can be imported without sockets, HTTP or OpenCV."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("websockets", "httpx", "cv2")


@pytest.mark.parametrize(
    "module",
    [
        "pulsar_cam.pulsar.condition",
        "pulsar_cam.publishing.control.controller",
        "pulsar_cam.monitor.judge",
        "pulsar_cam.monitor.looks.stream_count",
        "pulsar_cam.monitor.probes.policy",
        "pulsar_cam.monitor.probes.probe",
        "pulsar_cam.monitor.hooks.changes",
    ],
)
def test_a_pure_module_is_imported_alone(module: str) -> None:
    program = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
