"""The commands against a server that sends what no Pulsar sends: bounded memory, all counted, and clean output."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from pulsar_cam.pulsar.messages.wire import MAX_TEXT_BYTES

from ..lab.bombs import EOI, flat
from ..lab.hostile import assert_showable
from ..lab.memory import MOST_GROWTH_MB, needs_linux, peak_mb, resident_mb
from ..real.command_line import CommandLine, Ended

Talk = Callable[[ServerConnection], Awaitable[None]]
MB = 1_000_000
NASTY = "\x1b]0;owned\x07\x1b[2J\u202eevil\r\n\u2028\U000e0041" + "x" * 10_000
ABSURD = {
    "source": NASTY, "session": NASTY, "sequence": "9999999999999999999", "quality": "1000000000000000000",
    "captured-at-ns": "9999999999999999999", "encoded-at-ns": "0", "sent-at-ns": "9999999999999999999",
    "round-trip-ns": "9999999999999999999", "width": "NaN", "height": "-1", NASTY: NASTY,
}  # fmt: skip


def delivery(payload: bytes, properties: dict[str, str] | None = None) -> bytes:
    """Return a message in the very form in which Pulsar pushes it."""
    return orjson.dumps(
        {
            "messageId": "CAAQ",
            "payload": base64.b64encode(payload).decode(),
            "properties": properties or {},
            "publishTime": "2026-01-02T03:04:05Z",
            "redeliveryCount": 0,
        }
    )


FRAME = delivery(flat(64, 64))
UNREADABLE = [
    b"[" * 100_000 + b"]" * 100_000,
    b'{"messageId":' * 100_000,
    b"[" + b"{}," * 5 * MB + b"{}]",
    FRAME[:-1] + b',"more":[' + b"{}," * 5 * MB + b"{}]}",
    delivery(b"", {"a": "\U0001f4f7" * 3 * MB}),
    delivery(b"", {str(number): "" for number in range(200_000)}),
    orjson.dumps({"payload": "A" * 15 * MB, "messageId": "CAAQ"}),
    b'"' + b"\\ud800" * 1000 + b'"',
    b"\xff\xfe" * 1000,
]
NO_FRAMES = [
    delivery(b"\xff\xd8\xff" + bytes(11 * MB)),
    delivery(flat(8192, 4320).removesuffix(EOI) + bytes(11 * MB) + EOI),
    delivery(b"\0" * 5 * MB),
]


@asynccontextmanager
async def running(talk: Talk) -> AsyncIterator[int]:
    async def handle(websocket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await talk(websocket)

    async with serve(handle, "127.0.0.1", 0, max_size=None, compression=None) as server:
        yield server.sockets[0].getsockname()[1]


@contextmanager
def served(talk: Talk) -> Iterator[CommandLine]:
    """Give the commands, and a server in a thread for them."""
    ports: list[int] = []
    is_up, is_over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        async with running(talk) as port:
            ports.append(port)
            is_up.set()
            await is_over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert is_up.wait(30)
    try:
        yield CommandLine(None, {"PULSAR_CAM_SERVICE_URL": f"http://127.0.0.1:{ports[0]}"})
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join(30)
        loop.close()


def assert_clean(ended: Ended) -> None:
    for line in (ended.out + ended.err).splitlines():
        assert_showable(line, 5000)


@needs_linux
def test_a_viewer_survives_texts_that_would_fill_the_memory() -> None:
    sessions, memory_mb = [0], []

    async def talk(websocket: ServerConnection) -> None:
        sessions[0] += 1
        if sessions[0] == 1:
            await fill_the_memory(websocket)
        elif sessions[0] == 2:
            await websocket.close(1008, NASTY[:30])
        else:
            for properties in (ABSURD, ABSURD | {"sequence": "0"}, {}):
                await asyncio.sleep(1.2)  # another publisher is shown when the one before is quiet
                await websocket.send(delivery(flat(64, 64), properties), text=True)
            await websocket.wait_closed()

    async def fill_the_memory(websocket: ServerConnection) -> None:
        await exchange(websocket, [FRAME])
        memory_mb.append(resident_mb(viewer.process.pid))
        # Three of each: more than are answered at once.
        await exchange(websocket, [text for text in [*UNREADABLE, *NO_FRAMES] for _ in range(3)])
        await exchange(websocket, [FRAME])
        memory_mb.append(peak_mb(viewer.process.pid))
        for _ in range(3):
            await exchange(websocket, [b'{"messageId":"CAAQ","payload":"' + b"x" * MAX_TEXT_BYTES + b'"}'])
        memory_mb.append(peak_mb(viewer.process.pid))

    with served(talk) as command:
        viewer = command.start("watch", "--headless", "--json", "--max-age", "0", "--frames", str(2 + 3 + 3))
        ended = viewer.wait()
    summary = ended.summary
    assert ended.code == 0
    assert summary["bad_messages"] == 3 * len(UNREADABLE)
    assert summary["received"] == 2 + 3 * len(NO_FRAMES) + 3 + 3
    assert summary["dropped"]["too_large"] == 3
    assert summary["received"] == summary["shown"] + sum(summary["dropped"].values())
    assert summary["dropped"]["not_a_frame"] + summary["dropped"].get("superseded", 0) >= 3 * len(NO_FRAMES)
    assert summary["reconnects"] == 2
    assert ended.err.count("skipped a message of more than 16 MiB") == 1
    assert_clean(ended)
    assert memory_mb[1] - memory_mb[0] < MOST_GROWTH_MB
    assert memory_mb[2] - memory_mb[0] < MOST_GROWTH_MB


async def exchange(websocket: ServerConnection, texts: list[bytes]) -> None:
    """Send texts, and wait for the acks of those that name a message."""

    async def take_acks() -> None:
        for text in texts:
            if text.startswith(b'{"messageId":"'):
                assert orjson.loads(await websocket.recv()) == {"messageId": "CAAQ"}

    taking = asyncio.create_task(take_acks())
    for text in texts:
        await websocket.send(text, text=True)
    await taking


def test_a_publisher_survives_receipts_that_nobody_asked_for() -> None:
    async def talk(websocket: ServerConnection) -> None:
        for text in UNREADABLE:
            await websocket.send(text, text=True)
        async for message in websocket:
            context = orjson.loads(message)["context"]
            for strange in ({"context": NASTY}, {"context": [context]}, {"context": "-1"}, {}):
                for _ in range(100):
                    await websocket.send(orjson.dumps({"result": "ok", "messageId": "a"} | strange), text=True)
            answer = {"result": NASTY} if context == "5" else {"result": "ok", "messageId": NASTY}
            for _ in range(3):
                await websocket.send(orjson.dumps(answer | {"context": context, "errorMsg": NASTY}), text=True)

    with served(talk) as command:
        ended = command.run("publish", "--source", "test-pattern:", "--size", "64x48", "--frames", "30", "--json")
    summary = ended.summary
    assert ended.code == 0
    assert summary["published"] == 30
    assert summary["dropped"]["rejected"] == 1
    assert summary["captured"] == summary["published"] + sum(summary["dropped"].values())
    assert summary["bad_messages"] == len(UNREADABLE)
    assert_clean(ended)
