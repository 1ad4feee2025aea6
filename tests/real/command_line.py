"""``pulsar-cam`` as a person runs it: a process with its own standard output and error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil  # type: ignore[import-untyped]

from pulsar_cam.node import NodeState

from ..lab.xvfb import wait_until

TIMEOUT_S = 60


class CommandLine:
    """Runs ``pulsar-cam`` against one node, without a display unless given one."""

    def __init__(
        self,
        node: NodeState | None,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "pulsar_cam"),
    ) -> None:
        self._program = program
        base = {name: value for name, value in os.environ.items() if not name.startswith("PULSAR_CAM_")}
        base.pop("DISPLAY", None)
        url = {"PULSAR_CAM_SERVICE_URL": node.service_url} if node else {}
        self.environment = base | {"COLUMNS": "200"} | url | dict(environment or {})

    def start(self, *arguments: str | Path, output: IO[str] | int = subprocess.PIPE) -> Running:
        """Start a command and return while it runs."""
        return Running(
            subprocess.Popen(
                [*self._program, *map(str, arguments)],
                env=self.environment,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def run(self, *arguments: str | Path) -> Ended:
        """Run a command to its end."""
        return self.start(*arguments).wait()


class Running:
    """A command that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def wait(self) -> Ended:
        """Return how it ended."""
        try:
            out, err = self.process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"it did not end; it wrote: {out}\n{err}") from None
        return Ended(self.process.returncode, out, err)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def has_connection(self, node: NodeState) -> bool:
        """Whether it has an established connection to the node's HTTP port."""
        assert self.process.poll() is None, self.wait()
        return any(
            connection.raddr and connection.raddr.port == node.http_port and connection.status == "ESTABLISHED"
            for connection in psutil.Process(self.process.pid).net_connections()
        )

    def wait_connected(self, node: NodeState) -> None:
        """Return when it has a connection to the node."""
        wait_until(lambda: self.has_connection(node), "connection")


class Ended:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out or "", err
        assert "Traceback" not in err, err

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"

    @property
    def summary(self) -> dict[str, Any]:
        """The last line of a run with --json."""
        summary: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        assert summary["event"] == "summary"
        return summary
