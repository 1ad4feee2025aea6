"""What is written down about a started node, so that another command finds it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class NodeState:
    """A started node: its process, and where it listens."""

    pid: int
    http_port: int
    broker_port: int
    version: str

    @property
    def service_url(self) -> str:
        """The node's HTTP address, from which its WebSocket and admin URLs follow."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def admin_url(self) -> str:
        """The base of the admin REST API."""
        return self.service_url

    @property
    def ws_url(self) -> str:
        """The base of the WebSocket API."""
        return f"ws://127.0.0.1:{self.http_port}"

    @property
    def broker_url(self) -> str:
        """The address for clients of Pulsar's own binary protocol."""
        return f"pulsar://127.0.0.1:{self.broker_port}"


def save(state: NodeState, file: Path) -> None:
    """Write the state; a reader sees all of it or none."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(asdict(state)), encoding="utf-8")
    os.replace(new, file)


def load(file: Path) -> NodeState | None:
    """Read a state, or nothing when there is none, or none that this version understands."""
    try:
        return NodeState(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
