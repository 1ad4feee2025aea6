"""Where a reader starts and goes on, asked of a server of `websockets`; the real node is asked in tests/real."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from pulsar_cam.errors import InvalidOption
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.reader import Reader, message_id_of
from pulsar_cam.pulsar.topics import Topic

TOPIC = Topic.parse("cam")


def message(number: int, second: int = 5) -> str:
    return json.dumps(
        {
            "messageId": message_id_of(7, number),
            "payload": "anBlZw==",
            "publishTime": f"2026-01-02T03:04:{second:02d}.5Z",
            "properties": {"n": str(number)},
        }
    )


def read(start: str | datetime, *sessions: list[str], topic: Topic = TOPIC) -> tuple[list[str], list[str], list[str]]:
    """Read what comes on each of these sessions; return the numbers, where sessions start, and the permits."""
    starts: list[str] = []
    permits: list[str] = []
    texts = iter(sessions)

    async def handler(websocket: ServerConnection) -> None:
        assert websocket.request
        starts.append(dict(parse_qsl(urlsplit(websocket.request.path).query))["messageId"])
        to_send = next(texts, [])
        for text in to_send:
            await websocket.send(text)
        for _ in to_send:
            permits.append(json.loads(await websocket.recv())["messageId"])
        if to_send is not sessions[-1]:
            await websocket.close()
        await websocket.wait_closed()

    async def main() -> list[str]:
        async with serve(handler, "127.0.0.1", 0) as running:
            url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
            endpoint = Endpoint.of(url, admin_url="http://127.0.0.1:9")
            found: list[str] = []
            async with asyncio.timeout(20), Reader(endpoint, topic, start, fits_queue=False) as reader:
                async for delivery in reader:
                    found.append(delivery.properties["n"])
                    if found[-1] == "9":
                        return found
        return found

    return asyncio.run(main()), starts, permits


def test_each_message_is_answered_when_the_next_one_is_wanted_and_not_before() -> None:
    found, starts, permits = read("earliest", [message(0), message(1), message(9)])
    assert found == ["0", "1", "9"]
    assert starts == ["earliest"]
    assert permits == [message_id_of(7, 0), message_id_of(7, 1)]


def test_the_next_session_starts_behind_the_last_message_that_was_yielded() -> None:
    found, starts, _ = read("latest", [message(3), message(4)], [message(9)])
    assert found == ["3", "4", "9"]
    assert starts == ["latest", message_id_of(7, 4)]


def test_ids_of_a_non_persistent_topic_say_nothing() -> None:
    topic = Topic.parse("non-persistent://public/default/cam")
    assert read("latest", [message(3)], [message(9)], topic=topic)[1] == ["latest", "latest"]


def test_without_the_admin_api_what_is_too_old_is_read_and_skipped() -> None:
    start = datetime(2026, 1, 2, 3, 4, 6, 500_999, UTC)
    found, starts, permits = read(start, [message(1, 5), message(2, 6), message(9, 7)])
    assert found == ["2", "9"]
    assert starts == ["earliest"]
    assert permits == [message_id_of(7, 1), message_id_of(7, 2)]


@pytest.mark.parametrize(
    "start",
    ["", "Earliest", "newest", "?", "ü", "CAAQ" * 100, "AAAA", datetime(2026, 1, 1)],
    ids=str,
)
def test_what_is_no_place_to_start_from_is_refused(start: str | datetime) -> None:
    with pytest.raises(InvalidOption, match="`start`"):
        Reader(Endpoint.of(), TOPIC, start)


@pytest.mark.parametrize("start", ["latest", "earliest", "CDUQATAA", datetime(1960, 1, 1, tzinfo=UTC)])
def test_these_are_places_to_start_from(start: str | datetime) -> None:
    assert Reader(Endpoint.of(), TOPIC, start).status == "connecting"


def test_a_time_counts_in_its_own_zone() -> None:
    start = datetime(2026, 1, 2, 5, 4, 7, tzinfo=timezone(timedelta(hours=2)))
    assert read(start, [message(1, 6), message(9, 7)])[0] == ["9"]


@pytest.mark.parametrize(
    ("ledger", "entry", "encoded"),
    [(46, 1, "CC4QAQ=="), (0, 0, "CAAQAA=="), (46, -1, "CC4Q////////////AQ=="), (300, 128, "CKwCEIAB")],
)
def test_a_message_id_is_encoded_as_pulsar_does(ledger: int, entry: int, encoded: str) -> None:
    assert message_id_of(ledger, entry) == encoded


@given(st.integers(0, 2**63 - 1), st.integers(-1, 2**63 - 1))
def test_any_place_is_an_id_that_a_reader_takes(ledger: int, entry: int) -> None:
    encoded = message_id_of(ledger, entry)
    assert base64.b64decode(encoded, validate=True)
    Reader(Endpoint.of(), TOPIC, encoded)
