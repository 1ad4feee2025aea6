"""What a consumer says to Pulsar and asks for at a new session; a server of `websockets` stands in for Pulsar."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from pulsar_cam.errors import InvalidOption
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.consumer import Consumer, SubscriptionType
from pulsar_cam.pulsar.topics import Topic, TopicPattern

TOPIC = Topic.parse("cam")
Handler = Callable[[ServerConnection], Awaitable[None]]


def delivery_of(number: int) -> str:
    return json.dumps(
        {"messageId": f"CAA{number}", "payload": "anBlZw==", "publishTime": "2026-01-02T03:04:05Z", "properties": {}}
    )


@asynccontextmanager
async def server(
    handler: Handler, refuse: Callable[[ServerConnection, Request], Response | None] | None = None
) -> AsyncIterator[Endpoint]:
    async with serve(handler, "127.0.0.1", 0, process_request=refuse) as running:
        yield Endpoint.of(f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")


def asked_for(websocket: ServerConnection) -> tuple[str, dict[str, str]]:
    """Return path and parameters of a session."""
    assert websocket.request
    url = urlsplit(websocket.request.path)
    return unquote(url.path), dict(parse_qsl(url.query))


def session_of(consumer_of: Callable[[Endpoint], Consumer]) -> tuple[str, dict[str, str]]:
    """Return what a consumer asks for when it opens."""
    sessions: list[tuple[str, dict[str, str]]] = []

    async def handler(websocket: ServerConnection) -> None:
        sessions.append(asked_for(websocket))
        await websocket.wait_closed()

    async def main() -> None:
        async with server(handler) as endpoint, consumer_of(endpoint):
            pass

    asyncio.run(main())
    return sessions[0]


BASE = "/ws/v2/consumer/persistent/public/default/cam/viewer1"
QUEUE = {"receiverQueueSize": "4", "cryptoFailureAction": "CONSUME"}
LIVE = {**QUEUE, "subscriptionMode": "NonDurable"}


@pytest.mark.parametrize(
    ("topic", "options", "path", "parameters"),
    [
        (TOPIC, {}, BASE, LIVE),
        (TOPIC, {"durable": True}, BASE, QUEUE),
        (TOPIC, {"kind": SubscriptionType.KEY_SHARED}, BASE, {**LIVE, "subscriptionType": "Key_Shared"}),
        (TOPIC, {"redelivery_delay_s": 0.25}, BASE, {**LIVE, "negativeAckRedeliveryDelay": "250"}),
        ([TOPIC], {}, BASE, LIVE),
        (
            [TOPIC, Topic.parse("a/b/door&1")],
            {},
            "/ws/v3/consumer/viewer1",
            {"topics": "persistent://public/default/cam,persistent://a/b/door&1", **LIVE},
        ),
        (
            TopicPattern.parse("cam-.*"),
            {},
            "/ws/v3/consumer/viewer1",
            {"topicsPattern": "persistent://public/default/cam-.*", **LIVE},
        ),
    ],
)
def test_a_session_is_opened_for_what_is_wanted(
    topic: Topic, options: dict[str, Any], path: str, parameters: dict[str, str]
) -> None:
    assert session_of(lambda endpoint: Consumer(endpoint, topic, "viewer1", **options)) == (path, parameters)


@pytest.mark.parametrize("topics", [[], [TOPIC, Topic.parse("a,b")]])
def test_several_topics_are_at_least_one_and_without_a_comma(topics: list[Topic]) -> None:
    with pytest.raises(InvalidOption, match="`topic`"):
        Consumer(Endpoint.of(), topics, "viewer1")


async def said(consumer: Consumer, talk: Callable[[Consumer], Awaitable[None]]) -> None:
    async with consumer, asyncio.timeout(10):
        await talk(consumer)


def texts_of(talk: Callable[[Consumer], Awaitable[None]], kind: type[Consumer], sends: Iterable[str]) -> list[Any]:
    """Return what a consumer says on a session on which these texts come."""
    texts: list[Any] = []

    async def handler(websocket: ServerConnection) -> None:
        for text in sends:
            await websocket.send(text)
        async for message in websocket:
            texts.append(json.loads(message))

    async def main() -> None:
        async with server(handler) as endpoint:
            await said(kind(endpoint, TOPIC, "viewer1", fits_queue=False), talk)

    asyncio.run(main())
    return texts


def test_a_delivery_is_acknowledged_or_asked_for_again() -> None:
    async def talk(consumer: Consumer) -> None:
        deliveries = consumer.__aiter__()
        await consumer.ack(await anext(deliveries))
        await consumer.nack(await anext(deliveries))

    assert texts_of(talk, Consumer, map(delivery_of, range(2))) == [
        {"messageId": "CAA0"},
        {"type": "negativeAcknowledge", "messageId": "CAA1"},
    ]


def test_what_cannot_be_read_is_acknowledged_if_it_names_a_message() -> None:
    async def talk(consumer: Consumer) -> None:
        assert (await anext(consumer.__aiter__())).message_id == "CAA0"
        assert consumer.bad_messages == 2

    unreadable = '{"messageId":"CAAX","payload":"!"}'
    assert texts_of(talk, Consumer, [unreadable, "junk", delivery_of(0)]) == [{"messageId": "CAAX"}]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["viewer1", "viewer1-2"]),
        ({"durable": True}, ["viewer1"]),
        ({"kind": SubscriptionType.SHARED}, ["viewer1"]),
    ],
)
def test_only_a_consumer_that_is_alone_and_keeps_nothing_goes_on_under_another_name(
    options: dict[str, Any], names: list[str]
) -> None:
    consumer = Consumer(Endpoint.of(), TOPIC, "viewer1", **options)
    assert [consumer._target().name, consumer._target_of_another_name().name] == [
        f"subscription {names[0]!r}",
        f"subscription {names[-1]!r}",
    ]


def test_a_subscription_that_is_durable_already_is_used_as_it_is() -> None:
    reason = "Durable subscription with the same name already exists."
    modes: list[str | None] = []

    def refuse(websocket: ServerConnection, request: Request) -> Response | None:
        modes.append(dict(parse_qsl(urlsplit(request.path).query)).get("subscriptionMode"))
        return websocket.respond(500, f"<th>MESSAGE:</th><td>{reason}</td>") if modes[-1] else None

    async def handler(websocket: ServerConnection) -> None:
        await websocket.wait_closed()

    async def main() -> None:
        async with server(handler, refuse) as endpoint, Consumer(endpoint, TOPIC, "kept") as consumer:
            assert consumer.is_durable

    asyncio.run(main())
    assert modes == ["NonDurable", None]
