"""Whether a node is ready for video: healthy, with its namespace, and with a WebSocket that really opens."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from ..errors import LocalNodeError
from .state import NodeState

START_TIMEOUT_S = 180
_POLL_INTERVAL_S = 0.25
_ANSWER_TIMEOUT_S = 5
_PROBE_TOPIC = "non-persistent/public/default/pulsar-cam-ready"


def wait_until_ready(state: NodeState, check: Callable[[], bool], timeout_s: float = START_TIMEOUT_S) -> None:
    """Return when the node takes frames.

    Args:
        check: called before each try; raises when the node is dead, and says whether asking it makes sense yet.

    Raises:
        LocalNodeError: it does not become ready within the time-out.
    """
    deadline = time.monotonic() + timeout_s
    while not (check() and is_healthy(state) and _takes_frames(state)):
        if time.monotonic() > deadline:
            raise LocalNodeError(
                f"the node is not ready after {timeout_s:g} s", "look at 'pulsar-cam node logs', then try again"
            )
        time.sleep(_POLL_INTERVAL_S)


def is_healthy(state: NodeState) -> bool:
    """Return whether the broker is healthy, and its default namespace is there.

    Both are asked: a new node is healthy a little before it has its namespace.
    """
    return all(_answers_ok(state, path) for path in ("brokers/health", "namespaces/public/default"))


def _answers_ok(state: NodeState, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", state.http_port, timeout=_ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", f"/admin/v2/{path}")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _takes_frames(state: NodeState) -> bool:
    url = f"{state.ws_url}/ws/v2/producer/{_PROBE_TOPIC}"
    try:
        with connect(url, proxy=None, open_timeout=_ANSWER_TIMEOUT_S, close_timeout=_ANSWER_TIMEOUT_S):
            return True
    except (OSError, WebSocketException):
        return False
