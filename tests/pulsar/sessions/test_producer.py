"""Receipts that no Pulsar node gives on demand: late, out of order, twice, missing, and of every kind."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pulsar_cam.errors import MessageRejected, TopicTerminated
from pulsar_cam.frame import Packet
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions import acceptance
from pulsar_cam.pulsar.sessions import producer as producer_module
from pulsar_cam.pulsar.sessions.in_flight import DISCONNECTED
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic

TOPIC = Topic.parse("cam")
FAILURE = "org.apache.pulsar.client.api.PulsarClientException$"
Handler = Callable[[ServerConnection], Awaitable[None]]


def packet(sequence: int) -> Packet:
    return Packet(b"jpeg", 1, 1, captured_at_ns=0, source="cam", sequence=sequence)


def accepted(context: str) -> str:
    return json.dumps({"result": "ok", "messageId": "CAAQ", "context": context})


def refused(context: str, failure: str) -> str:
    message = f"{FAILURE}{failure}: no more"
    return json.dumps({"result": "send-error:8", "errorMsg": message, "context": context})


async def next_message(websocket: ServerConnection) -> tuple[str, int]:
    """Return context and sequence number of what was sent."""
    message: dict[str, Any] = json.loads(await websocket.recv())
    return message["context"], int(message["properties"]["sequence"])


@asynccontextmanager
async def producer_of(handler: Handler, *, resend: bool = False) -> AsyncIterator[Producer]:
    async with serve(handler, "127.0.0.1", 0) as server:
        endpoint = Endpoint.of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with Producer(endpoint, TOPIC, resend=resend) as producer, asyncio.timeout(20):
            yield producer


def test_each_receipt_is_counted_with_its_message_whatever_the_order() -> None:
    """In order come acks from Pulsar but with batching; a message without a receipt is lost with its session."""

    async def handler(websocket: ServerConnection) -> None:
        contexts = [(await next_message(websocket))[0] for _ in range(4)]
        await websocket.send(accepted(contexts[2]))
        await websocket.send(accepted(contexts[2]))
        await websocket.send(accepted("of another"))
        await websocket.send(refused(contexts[0], "TimeoutException"))
        await websocket.send(accepted(contexts[1]))

    async def main() -> None:
        stats = PublishStats()
        async with producer_of(handler) as producer:
            receipts = []
            for sequence in range(4):
                receipts.append(await producer.send(packet(sequence)))
                receipts[-1].add_done_callback(stats.settler(packet(sequence)))
            settled = await asyncio.gather(*receipts)
        assert [receipt.problem for receipt in settled] == ["no more", None, None, DISCONNECTED]
        assert (producer.receipts, producer.in_flight) == (2, 0)
        assert (stats.published, dict(stats.dropped)) == (2, {"rejected": 1, "unacknowledged": 1})

    asyncio.run(main())


def test_a_session_whose_receipts_stay_out_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "NO_RECEIPT_S", 0.3)
    monkeypatch.setattr(producer_module, "LOOK_EVERY_S", 0.1)
    sessions = 0

    async def handler(websocket: ServerConnection) -> None:
        nonlocal sessions
        sessions += 1
        while True:
            context, _ = await next_message(websocket)
            if sessions > 1:
                await websocket.send(accepted(context))

    async def main() -> None:
        async with producer_of(handler) as producer:
            assert (await (await producer.send(packet(0)))).problem == DISCONNECTED
            assert (await (await producer.send(packet(1)))).accepted
            assert producer.reconnects == 1

    asyncio.run(main())
    assert sessions == 2


def test_refusals_are_no_receipts_and_in_a_row_they_open_the_next_session(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceptance, "REFUSED_S", 0.3)
    sessions = 0

    async def handler(websocket: ServerConnection) -> None:
        nonlocal sessions
        sessions += 1
        while True:
            context, _ = await next_message(websocket)
            await websocket.send(accepted(context) if sessions > 1 else refused(context, "AlreadyClosedException"))

    async def main() -> None:
        async with producer_of(handler) as producer:
            for number in range(4):
                assert not (await (await producer.send(packet(number)))).accepted
            assert producer.is_stalled
            assert producer.status == "stalled: no message is accepted: no more"
            while sessions == 1:
                await (await producer.send(packet(9)))
            assert (await (await producer.send(packet(10)))).accepted
            async with asyncio.timeout(5):
                while "receipts are arriving again" not in caplog.messages:
                    await (await producer.send(packet(11)))
            assert (producer.is_stalled, producer.status) == (False, "connected")

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    stalled, lost, connected, again = [each.message for each in caplog.records if each.name.startswith("pulsar_cam.")]
    assert stalled == "stalled: no message is accepted: no more"
    assert "no message is accepted: no more" in lost
    assert connected.startswith("connected again")
    assert again == "receipts are arriving again"


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_is_set_changes_no_time_that_a_receipt_took(
    monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """With the wall clock, a session would be given up at once, or a lost receipt not be noticed for an hour."""
    now_ns = time.time_ns
    waits_s: list[float] = []

    async def handler(websocket: ServerConnection) -> None:
        for at in range(2):
            context, _ = await next_message(websocket)
            if at == 0:
                monkeypatch.setattr(time, "time_ns", lambda: now_ns() + hours * 3_600_000_000_000)
            waits_s.append(producer_under_test[0].oldest_in_flight_s)
            await websocket.send(accepted(context))

    producer_under_test: list[Producer] = []

    async def main() -> None:
        async with producer_of(handler) as producer:
            producer_under_test.append(producer)
            for sequence in range(2):
                assert (await (await producer.send(packet(sequence)))).accepted
            assert producer.reconnects == 0
            waits_s.extend(took_ns / 1e9 for took_ns in producer.last_receipts_ns(2))

    asyncio.run(main())
    assert len(waits_s) == 4
    assert all(0 <= wait_s < 20 for wait_s in waits_s)


@pytest.mark.parametrize("failure", ["TimeoutException", "ProducerBlockedQuotaExceededException"])
def test_a_refused_message_is_sent_again_under_another_name_and_before_the_next_ones(failure: str) -> None:
    """What was accepted behind it is not sent again: Pulsar has it."""
    arrived: list[tuple[str, list[int]]] = []

    async def handler(websocket: ServerConnection) -> None:
        assert websocket.request
        numbers: list[int] = []
        arrived.append((websocket.request.path.split("producerName=")[1].split("&")[0][-2:], numbers))
        while True:
            context, number = await next_message(websocket)
            numbers.append(number)
            if len(arrived) > 1:
                await websocket.send(accepted(context))
            elif number == 2:
                await websocket.send(accepted("0"))
                await websocket.send(refused("1", failure))
                await websocket.send(accepted("2"))

    async def main() -> None:
        async with producer_of(handler, resend=True) as producer:
            receipts = [await producer.send(packet(number)) for number in range(6)]
            assert all(receipt.accepted for receipt in await asyncio.gather(*receipts))
            assert producer.receipts == 6

    asyncio.run(main())
    (_, first), (name, second) = arrived
    assert name == "-2"
    assert first[:3] == [0, 1, 2]
    assert second == [1, 3, 4, 5]


@pytest.mark.parametrize(
    ("failure", "resend", "error"),
    [
        ("InvalidMessageException", True, MessageRejected),
        ("NotAllowedException", True, MessageRejected),
        ("TopicTerminatedException", True, TopicTerminated),
        ("TopicTerminatedException", False, TopicTerminated),
    ],
)
def test_what_no_second_try_can_change_ends_the_producer(failure: str, resend: bool, error: type[Exception]) -> None:
    async def handler(websocket: ServerConnection) -> None:
        context, _ = await next_message(websocket)
        await websocket.send(refused(context, failure))
        await websocket.wait_closed()

    async def main() -> None:
        async with producer_of(handler, resend=resend) as producer:
            receipt = await producer.send(packet(0))
            assert (await receipt).problem == DISCONNECTED
            with pytest.raises(error):
                await producer.room()
            with pytest.raises(error):
                producer.raise_if_ended()

    asyncio.run(main())


def test_a_frame_that_is_too_long_for_the_node_ends_a_producer_that_may_leave_none_out() -> None:
    async def handler(websocket: ServerConnection) -> None:
        await websocket.recv()
        await websocket.close(1009, "Text message size [9] exceeds maximum size [8]")

    async def main() -> None:
        async with producer_of(handler, resend=True) as producer:
            await (await producer.send(packet(7)))
            with pytest.raises(MessageRejected, match="frame 7 cannot be published"):
                await producer.room()

    asyncio.run(main())


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.9])
def test_who_has_no_time_for_the_end_of_a_producer_leaves_no_session_open(after_s: float) -> None:
    """As where a time-out ends while it closes: an end that is broken off at any moment still ends its session."""
    has_ended, is_gone = asyncio.Event(), asyncio.Event()

    async def handler(websocket: ServerConnection) -> None:
        await next_message(websocket)
        websocket.transport.pause_reading()  # no receipt, and no answer to the close frame
        await has_ended.wait()
        websocket.transport.resume_reading()
        await websocket.wait_closed()
        is_gone.set()

    async def close(producer: Producer) -> None:
        await producer.close()

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0) as server:
            endpoint = Endpoint.of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            producer = Producer(endpoint, TOPIC)
            await producer.open()
            await producer.send(packet(0))
            closing = asyncio.create_task(close(producer))
            await asyncio.sleep(after_s)
            for _ in range(3):
                closing.cancel()
                await asyncio.sleep(0)
            await asyncio.wait([closing])
            has_ended.set()
            async with asyncio.timeout(10):
                await is_gone.wait()

    asyncio.run(main())
