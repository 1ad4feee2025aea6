"""A real Prometheus, which scrapes every second and evaluates our alerts, and the commands that it scrapes."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from ..conftest import missing
from ..lab.promtool import ALERTS, promtool
from ..lab.xvfb import wait_until
from .command_line import CommandLine, Running


class Prometheus:
    """Asks a Prometheus that runs."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def is_ready(self) -> bool:
        """Whether it answers queries."""
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what an expression gives now: labels as ``metric`` and ``value``."""
        found: list[dict[str, Any]] = self._ask("query", {"query": expression})["result"]
        return found

    def values(self, expression: str, last_s: int) -> list[float]:
        """Return what an expression gave at each of the last seconds, in all its series."""
        end_s = int(time.time()) - 1
        parameters: dict[str, str | int] = {"query": expression, "start": end_s - last_s, "end": end_s, "step": "1"}
        series = self._ask("query_range", parameters)["result"]
        return [float(value) for each in series for _, value in each["values"]]

    def _ask(self, what: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        answer = self._client.get(f"/api/v1/{what}", params=parameters).json()
        assert answer["status"] == "success", answer
        data: dict[str, Any] = answer["data"]
        return data

    def firing(self) -> set[tuple[str, str]]:
        """Return the name of each alert that fires, and the job that it is about."""
        alerts = self._ask("alerts", {})["alerts"]
        return {
            (each["labels"]["alertname"], each["labels"].get("job", ""))
            for each in alerts
            if each["state"] == "firing"
        }


def rules_without_patience(folder: Path) -> Path:
    """Return a copy of the alert rules that waits for nothing, and looks at the last seconds only."""
    text, replaced = re.subn(r"for: \d+[ms]", "for: 0s", ALERTS.read_text())
    assert replaced > 10
    copy = folder / "alerts.yml"
    copy.write_text(re.sub(r"\[\d+m\]", "[5s]", text))
    promtool("check", "rules", copy)
    return copy


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, list[str]]) -> Iterator[Prometheus]:
    """Run a Prometheus with its data in a folder.

    Args:
        targets: for each job, the URLs of metrics.
    """
    if not shutil.which("prometheus"):
        missing("prometheus (on Debian and Ubuntu: sudo apt-get install prometheus)")
    configuration = folder / "prometheus.yml"
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [urlsplit(url).netloc for url in urls]}]}
        for job, urls in targets.items()
    ]
    every_second = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    rules = [str(rules_without_patience(folder))]
    configuration.write_text(json.dumps({"global": every_second, "rule_files": rules, "scrape_configs": jobs}))
    promtool("check", "config", configuration)
    address = f"127.0.0.1:{_free_port()}"
    command = ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=30) as client:
            running = Prometheus(client)
            wait_until(running.is_ready, "Prometheus")
            yield running
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


class Served:
    """A command that runs with metrics at a free port.

    Attributes:
        url: where they are.
    """

    def __init__(self, cli: CommandLine, *arguments: str | Path) -> None:
        self.running: Running = cli.start(*arguments, "--metrics-port", "0")
        assert self.running.process.stderr
        self.url = ""
        while not self.url:
            line = self.running.process.stderr.readline()
            assert line, self.running.wait()
            if line.startswith("metrics: "):
                self.url = line.removeprefix("metrics: ").strip()

    def ask(self, path: str) -> httpx.Response:
        """Return its answer to a path such as ``/readyz``."""
        return httpx.get(self.url.removesuffix("/metrics") + path, trust_env=False, timeout=30)

    def is_ready(self) -> bool:
        """Whether it does what it is for."""
        return self.ask("/readyz").status_code == 200
