"""Whose node `demo` stops."""

from __future__ import annotations

import pytest

from pulsar_cam import node
from pulsar_cam.cli import demo
from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.endpoint import Endpoint

STATE = NodeState(1, 20000, 20001, "4.0.8")


@pytest.mark.parametrize("runs_already", [True, False])
def test_demo_stops_only_the_node_that_it_started(monkeypatch: pytest.MonkeyPatch, runs_already: bool) -> None:
    stopped: list[float] = []

    class Node:
        def __init__(self, name: str) -> None: ...

        def running(self) -> NodeState | None:
            return STATE if runs_already else None

        def start(self, *arguments: object, **options: object) -> NodeState:
            return STATE

        def stop(self, patience_s: float) -> None:
            stopped.append(patience_s)

    monkeypatch.setattr(node, "LocalNode", Node)
    monkeypatch.setattr(demo, "_answers", lambda endpoint: False)
    with demo._node(Endpoint.of()) as endpoint:
        assert endpoint.admin_url == STATE.service_url
    assert bool(stopped) is not runs_already
