"""A check that breaks or hangs is a finding, too."""

from __future__ import annotations

import asyncio
import threading

from pulsar_cam.doctor import Finding
from pulsar_cam.health.finding import in_time


def test_a_check_that_breaks_is_a_finding() -> None:
    def breaks() -> Finding:
        raise KeyError("\x1b[31m")

    finding = asyncio.run(in_time("broken", breaks, 30))
    assert (finding.state, finding.check) == ("problem", "broken")
    assert "KeyError" in finding.says
    assert finding.says.isprintable()


def test_a_check_that_hangs_is_left_behind() -> None:
    release = threading.Event()

    def hangs() -> Finding:
        release.wait(60)
        return Finding("hanging", "ok", "too late")

    finding = asyncio.run(in_time("hanging", hangs, 0.05))
    release.set()
    assert (finding.state, "no answer within 0.05 s" in finding.says) == ("warning", True)
