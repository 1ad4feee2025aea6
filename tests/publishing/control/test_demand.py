"""Demand: what a topic's statistics say about its audience, and what happens where they are not known."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from pulsar_cam.publishing.control import demand
from pulsar_cam.publishing.control.demand import Audience, Demand, audience_in
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.runtime.alongside import alongside

from ...lab.tls_server import answering

TOPIC = Topic.parse("cam")


def subscription(consumers: int, backlog: int) -> dict[str, Any]:
    return {"consumers": [{"consumerName": str(number)} for number in range(consumers)], "msgBacklog": backlog}


@pytest.mark.parametrize(
    ("subscriptions", "audience"),
    [
        ({}, Audience(0, None)),
        ({"left": subscription(0, 900)}, Audience(0, None)),
        ({"viewer1": subscription(1, 7)}, Audience(1, 7)),
        ({"viewer1": subscription(1, 7), "pulsar-cam-monitor-0a1b": subscription(1, 0)}, Audience(1, 7)),
        (
            {"left": subscription(0, 0), "behind": subscription(2, 900), "live": subscription(1, 3)},
            Audience(3, 3),
        ),
    ],
)
def test_connected_consumers_count_and_the_most_advanced_of_them(
    subscriptions: dict[str, Any], audience: Audience
) -> None:
    assert audience_in({"subscriptions": subscriptions}) == audience


@pytest.mark.parametrize(
    "stats",
    [
        {},
        {"subscriptions": None},
        {"subscriptions": [1]},
        {"subscriptions": {"a": None, "b": []}},
        {"subscriptions": {"a": {"consumers": 5, "msgBacklog": 5}, "b": {"consumers": "many"}}},
    ],
    ids=str,
)
def test_what_is_no_statistics_of_pulsars_is_nobody(stats: dict[str, Any]) -> None:
    assert audience_in(stats) == Audience(0, None)


def test_a_backlog_that_is_no_number_is_none() -> None:
    assert audience_in({"subscriptions": {"a": {"consumers": [{}], "msgBacklog": "x"}}}) == Audience(1, 0)


def poll(endpoint: Endpoint, caplog: pytest.LogCaptureFixture, *, on_demand: bool) -> Demand:
    """Poll until it is logged why nothing is known, and a little longer; return what is known then."""

    async def main() -> Demand:
        demand = Demand(endpoint, TOPIC, on_demand=on_demand)
        async with asyncio.timeout(30), alongside(demand.run()):
            while not caplog.messages:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            return demand

    return asyncio.run(main())


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demand, "POLL_S", 0.02)
    monkeypatch.setattr(demand, "SLOW_POLL_S", 0.02)


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(("on_demand", "level"), [(True, logging.WARNING), (False, logging.INFO)])
def test_without_an_admin_api_somebody_may_watch_and_that_is_said_once(
    on_demand: bool, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pulsar_cam.publishing.control.demand")
    unknown = poll(Endpoint.of("http://127.0.0.1:9"), caplog, on_demand=on_demand)
    assert unknown.audience is None
    assert unknown.is_there
    assert [record.levelno for record in caplog.records if record.name == "pulsar_cam.publishing.control.demand"] == [
        level
    ]
    assert "connection refused" in caplog.text


@pytest.mark.usefixtures("_quick")
def test_who_has_no_right_asks_seldom_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    refusal = b'HTTP/1.1 403 Forbidden\r\nContent-Length: 15\r\n\r\n{"reason":"no"}'
    with answering(None, refusal) as (port, requests):
        unknown = poll(Endpoint.of(f"http://127.0.0.1:{port}"), caplog, on_demand=True)
    assert unknown.is_there
    assert len(requests) == 1
    assert [message for message in caplog.messages if "administrator" in message] == caplog.messages[:1]


def test_a_proxy_that_cannot_be_used_leaves_the_audience_unknown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    assert poll(Endpoint.of("http://192.0.2.1:8080"), caplog, on_demand=True).is_there
    assert "NO_PROXY" in caplog.text


def test_a_node_that_does_not_answer_is_waited_for_in_vain_and_left_at_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(demand, "TIMEOUT_S", 0.1)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            it = Demand(Endpoint.of(f"http://127.0.0.1:{port}"), TOPIC, on_demand=True)
            async with asyncio.timeout(30), alongside(it.run()):
                while not caplog.messages:  # noqa: ASYNC110 - there is nothing else to wait for
                    await asyncio.sleep(0.05)
                assert it.is_there

    asyncio.run(main())
    assert "no answer in time" in caplog.text


def test_a_poll_that_fails_in_a_way_nobody_thought_of_does_not_leave_the_camera_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: Iterator[dict[str, Any]] = iter([{"subscriptions": {}}])

    async def stats(*_: object) -> dict[str, Any]:
        return next(answers)  # and then StopIteration

    monkeypatch.setattr(Admin, "stats", stats)

    async def main() -> None:
        failing = Demand(Endpoint.of(), TOPIC, on_demand=True)
        async with asyncio.timeout(30), alongside(failing.run()):
            while failing.is_there:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0.01)
            while not failing.is_there:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(main())


@pytest.mark.parametrize(("consumers", "is_there"), [(0, False), (1, True)])
def test_without_consumers_there_is_no_demand(consumers: int, is_there: bool) -> None:
    known = Demand(Endpoint.of(), TOPIC, on_demand=True)
    known.audience = Audience(consumers, None)
    assert known.is_there is is_there
