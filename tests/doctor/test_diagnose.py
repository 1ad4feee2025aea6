"""All checks at once."""

from __future__ import annotations

import asyncio

import pytest

from pulsar_cam.doctor import Finding, diagnose, exchange, facts, machine
from pulsar_cam.pulsar.endpoint import Endpoint

from .answers import TOPIC


def test_what_needs_opencv_is_skipped_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def states() -> dict[str, str]:
        endpoint = Endpoint.of("http://127.0.0.1:1")
        return {each.check: each.state async for each in diagnose(endpoint, TOPIC, device="0")}

    monkeypatch.setattr(machine, "opencv", lambda: Finding("OpenCV", "problem", "cannot be loaded"))
    found = asyncio.run(states())
    assert (found["display"], found["camera"], found["versions"]) == ("skipped", "skipped", "ok")


def test_a_node_that_hangs(monkeypatch: pytest.MonkeyPatch, silent_url: str) -> None:
    monkeypatch.setattr(facts, "ANSWER_S", 0.2)
    monkeypatch.setattr(exchange, "LIMIT_S", 0.2)

    async def findings() -> list[Finding]:
        return [each async for each in diagnose(Endpoint.of(silent_url), TOPIC)]

    found = {each.check: each for each in asyncio.run(findings())}
    assert (found["node"].state, "no answer within 0.2 s" in found["node"].says) == ("problem", True)
    assert found["websocket"].state == "skipped"
