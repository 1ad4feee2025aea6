"""Pulsar's own stand-alone WebSocket proxy, in front of the node."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from pulsar_cam.node import NodeState, folders, ports
from pulsar_cam.node.settings import class_path, standalone_conf
from pulsar_cam.node.software import java
from pulsar_cam.node.software.distribution import pulsar_home

from ..lab.xvfb import wait_until


class WebSocketProxy:
    """A proxy that can be killed and started again at the same address."""

    def __init__(self, node: NodeState, folder: Path) -> None:
        home = pulsar_home(folders.cache_folder(), lambda _arrived, _total: None)
        self.port = next(ports.free_ports(ports.SERVICE_PORTS))
        settings = {
            "serviceUrl": node.service_url,
            "brokerServiceUrl": node.broker_url,
            "webServicePort": str(self.port),
            "bindAddress": "127.0.0.1",
            "clusterName": "standalone",
        }
        conf = folder / "websocket.conf"
        template = (home / "conf" / "websocket.conf").read_text(encoding="utf-8")
        conf.write_text(standalone_conf(template, settings), encoding="utf-8")
        self._log = folder / "proxy.log"
        self._command = [
            str(java.find_java().executable),
            "-Xmx128m",
            "-cp",
            class_path(home),
            "org.apache.pulsar.websocket.service.WebSocketServiceStarter",
            str(conf),
        ]
        self.start()

    @property
    def ws_url(self) -> str:
        """Its address."""
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        wait_until(self._answers, "proxy", 60)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            connect(f"{self.ws_url}/ws/v2/nothing", proxy=None).close()
        except InvalidStatus:
            return True
        except (OSError, TimeoutError):
            return False
        return False

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(30)


@contextlib.contextmanager
def websocket_proxy(node: NodeState, folder: Path) -> Iterator[WebSocketProxy]:
    """Give a proxy that runs, and leave none behind."""
    proxy = WebSocketProxy(node, folder)
    try:
        yield proxy
    finally:
        proxy.kill()
