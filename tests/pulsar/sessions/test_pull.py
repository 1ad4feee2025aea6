"""Pulling messages: what is asked for, and asked for again on the next session."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.server import ServerConnection

from pulsar_cam.errors import InvalidOption
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.pull import PullConsumer

from .test_consumer import LIVE, TOPIC, delivery_of, server, session_of


def test_a_pull_consumer_opens_a_session_that_pushes_nothing() -> None:
    _, parameters = session_of(lambda endpoint: PullConsumer(endpoint, TOPIC, "viewer1"))
    assert parameters == {**LIVE, "pullMode": "true"}


@pytest.mark.parametrize("messages", [0, -1])
def test_less_than_one_message_cannot_be_pulled(messages: int) -> None:
    consumer = PullConsumer(Endpoint.of(), TOPIC, "worker")
    with pytest.raises(InvalidOption, match="`messages`"):
        asyncio.run(consumer.pull(messages))


def test_what_was_pulled_and_has_not_come_is_asked_for_on_the_next_session() -> None:
    permits: list[list[int]] = []

    async def handler(websocket: ServerConnection) -> None:
        permits.append([])
        async for message in websocket:
            permits[-1].append(json.loads(message)["permitMessages"])
            if len(permits) == 1:
                await websocket.send(delivery_of(0))
                await websocket.close()
            else:
                for number in (1, 2):
                    await websocket.send(delivery_of(number))

    async def main() -> None:
        async with (
            asyncio.timeout(20),
            server(handler) as endpoint,
            PullConsumer(endpoint, TOPIC, "worker", fits_queue=False) as consumer,
        ):
            await consumer.pull(3)
            deliveries = consumer.__aiter__()
            assert [(await anext(deliveries)).message_id for _ in range(3)] == ["CAA0", "CAA1", "CAA2"]

    asyncio.run(main())
    assert permits == [[3], [2]]
