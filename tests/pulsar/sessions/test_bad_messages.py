"""Texts that no Pulsar node sends, from a server that does: counted, said once, and survived on both sides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pulsar_cam.frame import Packet
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.consumer import Consumer
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic

JUNK = ["", "no JSON", "[]", "{}", '{"result": 7}']
TOPIC = Topic.parse("cam")
PACKET = Packet(b"jpeg", 1, 1, captured_at_ns=0)
DELIVERY = {"messageId": "CAAQ", "payload": "anBlZw==", "publishTime": "2026-01-02T03:04:05Z"}


@asynccontextmanager
async def server(*before: str, answer: dict[str, str] | None = None) -> AsyncIterator[Endpoint]:
    """Give a server that says something to each client that connects, and gives one answer to what it is sent."""

    async def handle(websocket: ServerConnection) -> None:
        for text in before:
            await websocket.send(text)
        async for message in websocket:
            if answer:
                await websocket.send(json.dumps(answer | {"context": json.loads(message)["context"]}))

    async with serve(handle, "127.0.0.1", 0) as running:
        yield Endpoint.of(f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")


def test_a_producer_counts_what_is_no_receipt_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with (
            server(*JUNK, answer={"result": "ok", "messageId": "CAAQ"}) as endpoint,
            Producer(endpoint, TOPIC) as producer,
        ):
            receipt = await asyncio.wait_for(await producer.send(PACKET), 10)
            assert receipt.accepted
            assert producer.bad_messages == len(JUNK)

    asyncio.run(main())
    assert len(caplog.records) == 1


def test_a_consumer_counts_what_is_no_delivery_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with (
            server(*JUNK, json.dumps(DELIVERY)) as endpoint,
            Consumer(endpoint, TOPIC, "viewer1") as consumer,
            asyncio.timeout(10),
        ):
            async for delivery in consumer:
                assert delivery.payload == b"jpeg"
                break
            assert consumer.bad_messages == len(JUNK)

    asyncio.run(main())
    assert len(caplog.records) == 1
