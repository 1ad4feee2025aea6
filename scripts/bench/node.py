"""The Pulsar node of a run: one of its own that is gone afterwards, or one that runs already."""

from __future__ import annotations

import contextlib
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pulsar_cam.node import LocalNode

_STOP_S = 1.0  # its data is thrown away


@dataclass(frozen=True)
class Addresses:
    """Where a node listens."""

    service_url: str
    broker_url: str

    def delete(self, topic: str) -> None:
        """Delete a topic with its subscriptions, as far as the node does it."""
        url = f"{self.service_url}/admin/v2/{topic.replace('://', '/')}?force=true"
        with contextlib.suppress(OSError):  # also every answer that is not a success
            urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=10).close()


@contextlib.contextmanager
def own_node() -> Iterator[Addresses]:
    """Start a node on free ports, with its data in a folder that is deleted."""
    with tempfile.TemporaryDirectory(prefix="pulsar-cam-bench-", ignore_cleanup_errors=True) as data:
        node = LocalNode("bench", Path(data))
        try:
            started = node.start(0, 0)
            yield Addresses(started.service_url, started.broker_url)
        finally:
            node.stop(_STOP_S)
