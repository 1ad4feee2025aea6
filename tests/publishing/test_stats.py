"""What became of a publisher's frames: captured is published plus dropped, whatever happened."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from pulsar_cam.frame import Packet
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.messages.wire import Receipt
from pulsar_cam.pulsar.sessions.in_flight import DISCONNECTED
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.sources.reader import SourceReader

PACKET = Packet(b"x" * 100, 640, 480, captured_at_ns=0, quality=80)
ACCEPTED = Receipt("1", message_id="CAAQADAA")
REJECTED = Receipt("1", problem="Topic was terminated")
CUT_OFF = Receipt("1", problem=DISCONNECTED)


def settle(stats: PublishStats, *receipts: Receipt, packet: Packet = PACKET) -> None:
    """Let receipts come in for packets that were sent."""

    async def run() -> None:
        for receipt in receipts:
            stats.captured_rate.count()
            stats.sent += 1
            future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
            future.add_done_callback(stats.settler(packet))
            future.set_result(receipt)
        await asyncio.sleep(0)

    asyncio.run(run())


def session(*, connected: bool = True, full: bool = False) -> Producer:
    double = SimpleNamespace(
        is_connected=connected,
        is_full=full,
        has_opened=True,
        status="connected" if connected else "reconnecting",
        reconnects=2,
        recovery_s=1.25,
        bad_messages=1,
        in_flight=2,
        window=4,
    )
    return cast(Producer, double)


def test_receipts_are_counted_by_what_they_say() -> None:
    stats = PublishStats()
    settle(stats, ACCEPTED, REJECTED, CUT_OFF, ACCEPTED)
    assert (stats.captured, stats.sent, stats.published, stats.published_bytes) == (4, 4, 2, 200)
    assert stats.dropped == {"rejected": 1, "unacknowledged": 1}


def test_the_first_rejection_is_said_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    stats = PublishStats()
    settle(stats, REJECTED, REJECTED, REJECTED)
    assert caplog.messages == [
        "Pulsar rejected a frame: Topic was terminated; look at the node's log (said once, counted from here on)"
    ]
    assert stats.dropped == {"rejected": 3}


@pytest.mark.parametrize("fails", [False, True])
def test_at_the_end_captured_is_published_plus_dropped(fails: bool) -> None:
    stats = PublishStats()
    try:
        with stats.accounted():
            settle(stats, ACCEPTED, REJECTED, CUT_OFF)
            for reason in ("superseded", "in_flight_full", "disconnected", "encode_error"):
                stats.captured_rate.count()
                stats.dropped.count(reason)
            stats.captured_rate.total += 2  # one in the slot, one being encoded
            assert not fails or 1 / 0
    except ZeroDivisionError:
        assert fails
    assert stats.dropped["stopped"] == 2
    assert stats.captured == stats.published + stats.dropped.total() == 9
    assert sum(stats.as_dict()["dropped"].values()) == 8


def test_a_run_that_lost_nothing_has_no_drops() -> None:
    stats = PublishStats()
    with stats.accounted():
        settle(stats, ACCEPTED)
    assert stats.dropped == {}


@pytest.mark.parametrize(
    ("producer", "reason"),
    [
        (None, "disconnected"),
        (session(connected=False), "disconnected"),
        (session(connected=False, full=True), "disconnected"),
        (session(full=True), "in_flight_full"),
        (session(), "superseded"),
    ],
)
def test_the_reason_to_supersede_is_what_the_encoder_waits_for(producer: Producer | None, reason: str) -> None:
    stats = PublishStats()
    stats.session = producer
    assert stats.reason_to_supersede == reason


def test_the_way_of_a_frame_is_measured_by_stage() -> None:
    stats = PublishStats()
    packet = replace(PACKET, captured_at_ns=0, encoded_at_ns=3_000_000)
    receipt = replace(ACCEPTED, sent_at_ns=4_000_000, received_at_ns=9_500_000)
    settle(stats, receipt, packet=packet)
    assert {name: each["p50"] for name, each in stats.stages.percentiles_ms().items()} == {
        "encode": 3.0, "queue": 1.0, "receipt": 5.5,
    }  # fmt: skip


def test_a_number_of_frames_is_reached_when_so_many_are_published_or_about_to_be() -> None:
    stats = PublishStats()
    settle(stats, ACCEPTED, REJECTED, CUT_OFF)
    assert not stats.has_sent(None)
    assert not stats.has_sent(2)
    stats.sent += 1
    assert stats.has_sent(2)


def test_lines_say_how_it_goes() -> None:
    stats = PublishStats()
    assert (stats.has_begun, stats.status) == (False, "connecting")
    assert stats.parts == ["connecting", "0.0 fps", "published 0", "dropped 0", "", ""]
    stats.session = session()
    settle(stats, ACCEPTED, REJECTED)
    assert stats.has_begun
    assert stats.parts[0] == "connected"
    assert stats.parts[2:] == ["published 1", "dropped 1", "640x480 q80", "rejected 1"]
    assert stats.info[1:] == ["published 1  dropped 1", "connected"]


def test_counters_are_json() -> None:
    stats = PublishStats()
    stats.session = session()
    settle(stats, ACCEPTED)
    shown = json.loads(json.dumps(stats.as_dict()))
    assert shown.pop("fps") > 0
    assert set(shown.pop("stages_ms")) == {"encode", "queue", "receipt"}
    assert shown.pop("setting") == {"quality": 100, "scale": 1.0, "fps": 30.0}
    assert shown == {
        "captured": 1, "published": 1, "published_bytes": 100, "dropped": {}, "cards": 0,
        "camera": {"trouble": "", "losses": 0, "recovery_s": None, "damaged": 0}, "bad_messages": 1, "reconnects": 2,
        "recovery_s": 1.25,
        "in_flight": 2, "window": 4, "changes": 0, "loop_blocked_ms": None, "loop_work_ms": None,
        "picture": "640x480 q80", "status": "connected",
    }  # fmt: skip


def test_a_lost_camera_is_in_the_lines_and_the_counters() -> None:
    stats = PublishStats()
    stats.session = session()
    trouble = "camera-0 stopped: no good frame for 5 s, trying again"
    stats.source = cast(SourceReader, SimpleNamespace(trouble=trouble, losses=2, recovery_s=7.25, damaged=3))
    assert stats.parts[0] == f"connected: {trouble}"
    assert stats.info[-1] == trouble
    assert stats.status == "connected"
    assert stats.as_dict()["camera"] == {"trouble": trouble, "losses": 2, "recovery_s": 7.25, "damaged": 3}


def test_cards_are_counted_apart() -> None:
    stats = PublishStats()

    async def run() -> None:
        for receipt in (ACCEPTED, REJECTED, ACCEPTED):
            future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
            future.add_done_callback(stats.settle_card)
            future.set_result(receipt)
        await asyncio.sleep(0)

    asyncio.run(run())
    assert (stats.cards, stats.published, dict(stats.dropped)) == (2, 0, {})
