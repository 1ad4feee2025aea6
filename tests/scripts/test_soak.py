"""The parts of the soak that judge: they must see what is wrong."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pulsar_cam.frame import Packet
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.messages.wire import Receipt
from scripts.soaking import report
from scripts.soaking.gauge import Gauge, Reading, growth
from scripts.soaking.numbers import Numbers
from scripts.soaking.streams import LINKS, Audience, Receipts, Streams

CALM = report.Event(10.0, "links cut", "camera", 0.5, 0.75)
HANG = report.Event(30.0, "links cut", "all", 0.7, None)


def acknowledge(stats: Receipts, *numbers: int) -> None:
    """Have a publisher capture and publish frames of these numbers."""
    for number in numbers:
        stats.captured_rate.count()
        receipt = SimpleNamespace(result=lambda: Receipt(str(number)))  # noqa: B023 - asked at once
        stats.settler(Packet(b"jpeg", 1, 1, 0, sequence=number))(cast(Any, receipt))


def show(audience: Audience, *numbers: int) -> None:
    """Show an audience frames of these numbers."""
    for number in numbers:
        packet = Packet(b"jpeg", 1, 1, 0, session="ours", sequence=number)
        audience.show(cast(Any, None), packet=packet)


def failed(streams: Streams, *events: report.Event) -> list[str]:
    return [verdict.promise for verdict in report.verdicts(list(events), streams, []) if not verdict.holds]


@pytest.fixture
def streams() -> Streams:
    """A run in which all is well; the camera's frame 1 was refused, and is not missed by a viewer."""
    streams = Streams(dict.fromkeys(LINKS, Endpoint.of()))
    for stats in (streams.live, streams.film):
        stats.session = cast(Any, Session())
    acknowledge(streams.live, 0, 2, 3)
    acknowledge(streams.film, 0, 1)
    show(streams.auditor, 0, 2, 3)
    show(streams.viewer, 3)
    show(streams.film_viewer, 0, 1)
    return streams


class Session:
    session = "ours"


def test_numbers_are_counted_beyond_the_room_made_at_first() -> None:
    some, others = Numbers(), Numbers()
    for number in (0, 5, 5, 200_000):
        some.add(number)
    others.add(5)
    assert len(some) == 3
    assert some.repeated() == [5]
    assert some.without(others) == [0, 200_000]
    assert others.without(some) == []


def test_a_run_in_which_all_is_well_passes(streams: Streams) -> None:
    assert failed(streams, CALM) == []


def test_a_hang_is_seen(streams: Streams) -> None:
    assert failed(streams, CALM, HANG) == ["no hang of 60 s"]
    assert report.recoveries([CALM, HANG]) == [["links cut", "2", "0.6 / 0.7", "30.4 / 60.0"]]


def test_an_acknowledged_frame_that_was_never_shown_is_seen(streams: Streams) -> None:
    acknowledge(streams.live, 4)
    assert failed(streams) == ["no acknowledged frame lost (camera)"]
    acknowledge(streams.film, 2)
    assert "no acknowledged frame lost (film)" in failed(streams)
    assert "every frame of the film, in order" in failed(streams)


def test_a_frame_shown_twice_is_seen(streams: Streams) -> None:
    show(streams.auditor, 3)
    assert failed(streams) == ["no frame shown twice"]


def test_a_film_out_of_order_is_seen(streams: Streams) -> None:
    acknowledge(streams.film, 2, 3)
    show(streams.film_viewer, 3, 2)
    assert failed(streams) == ["every frame of the film, in order"]


def test_frames_of_strangers_are_not_taken_for_ours(streams: Streams) -> None:
    streams.auditor.show(cast(Any, None), packet=Packet(b"jpeg", 1, 1, 0, session="bomb", sequence=3))
    assert streams.auditor.showings == 4
    assert failed(streams) == []


def test_a_frame_that_nobody_counted_is_seen(streams: Streams) -> None:
    streams.live.captured_rate.count()
    streams.watched["viewer"].received += 1
    assert failed(streams) == ["captured = published + dropped (camera)", "received = shown + dropped (viewer)"]


def test_growth_is_between_the_last_two_thirds() -> None:
    assert growth([0, 0, 0, 7, 8, 9, 10, 11, 12]) == 3
    assert growth([1, 2]) == 0


@pytest.mark.parametrize(("slope_mb", "flat"), [(0.0, True), (0.01, True), (0.1, False)])
def test_memory_that_grows_is_seen_in_a_run_that_is_long_enough(tmp_path: Path, slope_mb: float, flat: bool) -> None:
    gauge, still = Gauge(cast(Any, None), tmp_path), Reading(memory_mb=100.0, descriptors=10, threads=5)
    gauge.readings = [still | {"memory_mb": 100 + slope_mb * second} for second in range(1800)]
    judged = {verdict.promise: verdict.holds for verdict in report.resources(gauge, still, still)}
    assert judged.pop("memory flat (at most +25 MB)") is flat
    assert all(judged.values())
    gauge.readings = gauge.readings[:300]
    assert "too short" in report.resources(gauge, still, still)[0].figures
