"""Prometheus's own checks, run on what this project gives its users."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..conftest import missing

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
ALERTS = FOLDER / "alerts.yml"


def promtool(*arguments: str | Path, read: bytes = b"") -> str:
    """Run promtool, and return what it says; fail if it finds fault."""
    if not shutil.which("promtool"):
        missing("promtool (on Debian and Ubuntu: sudo apt-get install prometheus)")
    ended = subprocess.run(["promtool", *map(str, arguments)], input=read, capture_output=True, timeout=60)
    assert ended.returncode == 0, (ended.stdout + ended.stderr).decode()
    return (ended.stdout + ended.stderr).decode()


def alert_names() -> list[str]:
    """Return the names of all alerts."""
    return re.findall(r"^ +- alert: (\w+)$", ALERTS.read_text(), re.MULTILINE)


def firing_at(folder: Path, alert: str, series: Mapping[str, str], minutes: Mapping[float, int]) -> None:
    """Fail unless this number of alerts of this name fire at this minute after the start.

    Args:
        series: values of time series, one every 15 s, in promtool's notation: ``0+30x20`` counts 30 more each time.
    """
    count = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    tests: list[dict[str, Any]] = [
        {
            "interval": "15s",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {"expr": count, "eval_time": f"{at * 60:.0f}s", "exp_samples": [{"labels": "{}", "value": number}]}
                for at, number in minutes.items()
            ],
        }
    ]
    unit_test = folder / "unit.yml"  # JSON is YAML
    unit_test.write_text(
        json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "15s", "tests": tests}), "utf-8"
    )
    promtool("test", "rules", unit_test)
