"""The admin API where no Pulsar node is: what strangers answer, and proxies that cannot be used."""

from __future__ import annotations

import asyncio

import pytest

from pulsar_cam.admin import Admin, node_limits
from pulsar_cam.errors import NodeUnreachable
from pulsar_cam.topics import Endpoint
from pulsar_cam.wire import DEFAULT_TEXT_LIMIT


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks://user:secret@127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    endpoint = Endpoint.of("http://192.0.2.1:8080")
    with pytest.raises(NodeUnreachable, match="NO_PROXY") as caught:
        Admin(endpoint)
    assert "secret" not in str(caught.value)
    assert asyncio.run(node_limits(endpoint)).text == DEFAULT_TEXT_LIMIT
