"""Ports of this machine: which are free, and who holds the others."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]

from ..errors import InvalidOption

# None that systems give to outgoing connections: one of these could take a port before the node does. A node's store
# keeps its port for ever, also while nothing listens there, so the others come from elsewhere.
SERVICE_PORTS = range(20000, 26000)
STORE_PORTS = range(26000, 32000)
_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


def check_port(parameter: str, port: int) -> None:
    """Raise InvalidOption for a number that is not a port; 0 stands for a free one."""
    if not (port == 0 or 1024 <= port <= 65535):
        raise InvalidOption(parameter, port, "a port is 1024 to 65535, or 0 for a free one")


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port of 127.0.0.1, and 'localhost' would mean that server."""
    return _can_listen(port) and not any(_answers(family, host, port) for family, host in _LOOPBACKS)


def free_ports(among: range) -> Iterator[int]:
    """Yield ports that nothing listens on, in no order, each once."""
    return (port for port in random.sample(among, len(among)) if is_free(port))


def holder(port: int) -> str:
    """Return the program that listens on the port, as far as this user may see it."""
    try:
        pids = (each.pid for each in psutil.net_connections("tcp") if _listens(each, port) and each.pid)
        return next((f"{psutil.Process(pid).name()} (process {pid})" for pid in pids), "another program")
    except psutil.Error:
        return "another program"


def listens_on(process: psutil.Process, port: int) -> bool:
    """Return whether this very process listens on the port."""
    try:
        return any(_listens(each, port) for each in process.net_connections("tcp"))
    except psutil.Error:
        return False


def _listens(connection: psutil._common.pconn, port: int) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr.port == port)


def _can_listen(port: int) -> bool:
    with socket.socket() as server:
        if os.name == "posix":  # elsewhere this option lets two servers share a port
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _answers(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family) as client:
            client.settimeout(1)
            return client.connect_ex((host, port)) == 0
    except OSError:  # a machine without IPv6
        return False
