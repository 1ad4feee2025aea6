"""A node of one test, to be killed, held, started again at the same address, and left without disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from pulsar_cam.node import LocalNode, NodeState
from pulsar_cam.node.settings import LOG_FILE


class MortalNode:
    """A real node that faults are done to."""

    def __init__(self, folder: Path) -> None:
        self._node = LocalNode("mortal", folder)
        self.state: NodeState = self._node.start(0, 0)

    @property
    def process(self) -> psutil.Process:
        """The node's process."""
        return psutil.Process(self.state.pid)

    @property
    def log(self) -> str:
        """What it wrote since its last start."""
        return (self._node.folder / LOG_FILE).read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it as a power switch would."""
        process = self.process
        process.kill()
        process.wait(30)

    def start(self) -> None:
        """Start it again, where it was."""
        self.state = self._node.start(self.state.http_port, self.state.broker_port)

    def fill_disk(self) -> None:
        """Let none of its files grow, which is what a full disk is to it; the next start has room again.

        It is not well by itself when there is room again: its metadata store takes no more until it is opened again.
        """
        import resource  # no other system than Linux has it like this

        resource.prlimit(self.state.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def stop(self) -> None:
        """End it in good order."""
        self._node.stop()


@contextlib.contextmanager
def mortal_node(folder: Path) -> Iterator[MortalNode]:
    """Give a node that runs, and leave none behind."""
    node = MortalNode(folder)
    try:
        yield node
    finally:
        with contextlib.suppress(psutil.Error):
            node.process.resume()
        node.stop()
