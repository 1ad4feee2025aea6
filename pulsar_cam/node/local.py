"""A Pulsar node of this machine, by name: start, status, log and stop.

All of a node's state is in one folder: its data, settings and log, and ``node.json``, which other commands read to
find it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from filelock import FileLock, Timeout

from ..errors import InvalidOption, LocalNodeError
from ..text import size_text
from . import class_archive, ports, process, state
from .folders import cache_folder, data_folder, disk_bytes, free_bytes, is_too_full
from .log import log_lines
from .ready import START_TIMEOUT_S, is_healthy, wait_until_ready
from .registration import is_looping
from .settings import LOG_FILE, java_command, write_settings
from .software.distribution import pulsar_home, version_of
from .software.java import find_java
from .software.maven import Progress
from .state import NodeState

logger = logging.getLogger(__name__)

DEFAULT_NAME = "default"
DEFAULT_PORT = 8080
DEFAULT_BROKER_PORT = 6650

_STOP_PATIENCE_S = 15.0
_FAILED_START_PATIENCE_S = 1.0  # it holds nothing yet
_MOST_TRIES = 5  # about one start in six after a kill fails, which is known within two seconds

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class NodeStatus:
    """How a node is: ``state`` is ``running``, ``starting`` (alive, and not answering) or ``stopped``.

    ``memory_bytes`` and ``uptime_s`` are of its process, and None for a stopped node.
    """

    name: str
    state: str
    folder: str
    disk_bytes: int
    service_url: str | None = None
    broker_url: str | None = None
    version: str | None = None
    pid: int | None = None
    memory_bytes: int | None = None
    uptime_s: float | None = None


class LocalNode:
    """The node of this name, whether it runs or not.

    Args:
        name: letters, digits and ``_.-``; each name has its own data.
        data: the folder of all nodes; by default PULSAR_CAM_DATA, or the user's data folder.

    Raises:
        InvalidOption: the name cannot be one.
    """

    def __init__(self, name: str = DEFAULT_NAME, data: Path | None = None) -> None:
        if not _NAME.fullmatch(name) or name.endswith("."):
            raise InvalidOption("name", ascii(name), "letters, digits and any of _.- are allowed, at most 64")
        self.name = name
        self.folder = (data or data_folder()).absolute() / "nodes" / name
        self._state_file = self.folder / "node.json"

    def start(
        self,
        port: int = DEFAULT_PORT,
        broker_port: int | None = None,
        *,
        progress: Progress = lambda _arrived, _total: None,
    ) -> NodeState:
        """Start the node, unless it runs, and return when it takes frames; this takes 10 s or more.

        Args:
            port: of HTTP and WebSocket; 0 is a free one.
            broker_port: of Pulsar's binary protocol; by default 6650 if that is free, else a free one.
            progress: called with how far the download is, which only a first start needs.

        Raises:
            InvalidOption: a port that is none.
            DependencyMissing: no Java.
            LocalNodeError: it cannot be fetched or started; no process is left behind.
        """
        ports.check_port("port", port)
        ports.check_port("broker_port", broker_port or 0)
        if port and port == broker_port:
            raise InvalidOption("broker_port", port, "it must differ from `port`")
        with self._folder_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._only_start():
                started = self.running()
                if started:
                    self._wait_until_ready(started)
                else:
                    started = self._run(port, broker_port, progress)
        return started

    def running(self) -> NodeState | None:
        """Return where the node runs, or None; a note about a node that died is not proof."""
        started = state.load(self._state_file)
        return started if started and self._is_alive(started) else None

    def stop(self, patience_s: float = _STOP_PATIENCE_S) -> bool:
        """End the node, by force if it takes longer than this; its data stays. Return whether it ran."""
        started, found = self.running(), process.find_in(self.folder)
        if found:
            process.end(found, patience_s)
        class_archive.end_making(self.folder)
        with self._folder_errors():
            self._state_file.unlink(missing_ok=True)
        return bool(started or found)

    def wait(self) -> None:
        """Return when the node was stopped.

        Raises:
            LocalNodeError: it ended by itself.
        """
        while started := self.running():
            found = process.find(started.pid, self.folder)
            with contextlib.suppress(psutil.TimeoutExpired):
                found.wait(1) if found else time.sleep(1)
        if self._state_file.exists():
            raise process.death_report(self.folder)

    def status(self) -> NodeStatus:
        """Return how the node is."""
        started, disk = self.running(), disk_bytes(self.folder)
        if not started:
            return NodeStatus(self.name, "stopped", str(self.folder), disk)
        found = process.find(started.pid, self.folder)
        return NodeStatus(
            self.name,
            "running" if is_healthy(started) else "starting",
            str(self.folder),
            disk,
            started.service_url,
            started.broker_url,
            started.version,
            started.pid or None,
            found.memory_info().rss if found else None,
            time.time() - found.create_time() if found else None,
        )

    def log_lines(self, count: int, *, follow: bool = False) -> Iterator[str]:
        """Return the last lines of the log; with ``follow`` also the new ones, without end.

        Raises:
            LocalNodeError: there is no log yet.
        """
        return log_lines(self.folder / LOG_FILE, count, follow)

    def _is_alive(self, started: NodeState) -> bool:
        return process.find(started.pid, self.folder) is not None

    def _run(self, port: int, broker_port: int | None, progress: Progress) -> NodeState:
        http_port, broker_port = self._choose_ports(port, broker_port)
        java = find_java()
        home = pulsar_home(cache_folder(), progress)
        archive = class_archive.archive_of(cache_folder(), java, home)
        self._check_folder()
        write_settings(self.folder, home, http_port, broker_port)
        store_port = next(ports.free_ports(ports.STORE_PORTS))
        command = java_command(java, home, self.folder, store_port, class_archive.options(archive))
        for tries_left in reversed(range(_MOST_TRIES)):
            self._prepare_folder()
            started = self._launch(command, http_port, broker_port, version_of(home))
            try:
                self._wait_until_ready(started, is_new=True)
                break
            except LocalNodeError as error:
                if not (tries_left and is_looping(self.folder)):
                    raise
                logger.info("%s; trying again", error.problem)
        class_archive.make_in_background(archive, java, home, self.folder)
        return started

    def _launch(self, command: list[str], http_port: int, broker_port: int, version: str) -> NodeState:
        launched = process.launch(command, self.folder)
        try:
            process.wait_until_known(launched)
            started = NodeState(launched.pid, http_port, broker_port, version)
            state.save(started, self._state_file)
        except BaseException:
            process.end(launched, _FAILED_START_PATIENCE_S)
            raise
        return started

    def _choose_ports(self, port: int, broker_port: int | None) -> tuple[int, int]:
        if broker_port is None:
            usual = DEFAULT_BROKER_PORT
            broker_port = usual if port != usual and ports.is_free(usual) else 0
        for parameter, wanted in (("port", port), ("broker_port", broker_port)):
            if wanted and not ports.is_free(wanted):
                raise LocalNodeError(
                    f"port {wanted} is in use by {self._holder(wanted)}",
                    f"choose another `{parameter}`; 0 is a free one",
                )
        free = (each for each in ports.free_ports(ports.SERVICE_PORTS) if each not in (port, broker_port))
        return port or next(free), broker_port or next(free)

    def _holder(self, port: int) -> str:
        for folder in self.folder.parent.iterdir():
            with contextlib.suppress(InvalidOption):  # something else lies there, such as a file manager's file
                other = LocalNode(folder.name, self.folder.parent.parent).running()
                if other and port in (other.http_port, other.broker_port):
                    return f"the node '{folder.name}'"
        return ports.holder(port)

    def _check_folder(self) -> None:
        if unknown := process.find_in(self.folder):
            raise LocalNodeError(
                f"process {unknown.pid} already uses {self.folder}", "end that process, then try again"
            )
        if is_too_full(self.folder):
            raise LocalNodeError(
                f"the disk of {self.folder} is too full for a node: {size_text(free_bytes(self.folder))} are free",
                "make room, or choose another folder with PULSAR_CAM_DATA",
            )

    def _prepare_folder(self) -> None:
        self._state_file.unlink(missing_ok=True)
        # A killed node leaves its 13 MB native libraries here.
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        for name in ("tmp", "logs"):
            (self.folder / name).mkdir(exist_ok=True)
        log_file = self.folder / LOG_FILE
        with contextlib.suppress(FileNotFoundError):
            os.replace(log_file, f"{log_file}.1")

    def _wait_until_ready(self, started: NodeState, *, is_new: bool = False) -> None:
        def check() -> bool:
            if is_new and is_looping(self.folder):
                raise LocalNodeError("its store does not get registered, as can be after a kill", "start it again")
            return self._may_be_ready(started)

        try:
            wait_until_ready(started, check)
        except BaseException:
            self.stop(_FAILED_START_PATIENCE_S)
            raise

    def _may_be_ready(self, started: NodeState) -> bool:
        if not self._is_alive(started):
            if not self._state_file.exists():
                raise LocalNodeError(f"the node '{self.name}' was stopped while it started")
            raise process.death_report(self.folder)
        found = process.find(started.pid, self.folder)
        # Another node that is quicker to take this port must not pass for ours.
        return found is not None and ports.listens_on(found, started.http_port)

    @contextlib.contextmanager
    def _only_start(self) -> Iterator[None]:
        try:
            with FileLock(self.folder / "start.lock", timeout=START_TIMEOUT_S):
                yield
        except Timeout as error:
            raise LocalNodeError(f"another process is starting the node '{self.name}'", "wait for it") from error

    @contextlib.contextmanager
    def _folder_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LocalNodeError(
                f"the node's folder {self.folder} cannot be used: {error.strerror or error}",
                "correct that, or choose another folder with PULSAR_CAM_DATA",
            ) from error
