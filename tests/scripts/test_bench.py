"""The parts of the benchmark that only compute."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import simplejpeg

from pulsar_cam.pictures.opencv import cv2
from scripts.bench.check import Target, growth_mb, other_readings, targets, unaccounted
from scripts.bench.frames import Camera, make_ring
from scripts.bench.gauge import Gauge, Mark, tcp_bytes
from scripts.bench.meter import Meter
from scripts.bench.plan import RING, Job, Size
from scripts.bench.processes import Round
from scripts.bench.results import age_figures, ages_ms, cost, fps, percentiles, ratio, slow_figures
from scripts.bench.transports import TRANSPORTS

SECOND_NS = 1_000_000_000
SMALL = Size("small", 320, 240, 12_000)


def mark(frames: int, cpu_s: float, jpeg_s: float, wire_bytes: int | None) -> dict[str, Any]:
    return {"frames": frames, "cpu_s": cpu_s, "jpeg_s": jpeg_s, "wire_bytes": wire_bytes}


def round_of(ages_ms: list[float], *, settle_s: float = 0.0, **counted: Any) -> Round:
    """A round of 10 frames a second, with these ages."""
    captured = [SECOND_NS + number * SECOND_NS // 10 for number in range(len(ages_ms))]
    shown = [(at_ns, at_ns + int(age * 1e6)) for at_ns, age in zip(captured, ages_ms, strict=True)]
    published = {
        "started_at_ns": SECOND_NS,
        "ended_at_ns": SECOND_NS + len(ages_ms) * SECOND_NS // 10,
        "given": len(ages_ms),
        "missed": 0,
        "marks": [mark(0, 1.0, 0.5, 1000), mark(10, 1.2, 0.6, 11_000)],
        "counted": counted,
    }
    watched = {"shown_at_ns": shown, "marks": [], "counted": {}}
    job = Job("floor", "", settle_s=settle_s)
    return Round(job, published, watched, connect_s=0.05, first_go_ns=SECOND_NS - 1_000_000)


def test_percentiles() -> None:
    assert percentiles([float(value) for value in range(101)]) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert percentiles([]) == {}


def test_ages_leave_out_the_first_frames() -> None:
    done = round_of([50.0, 50.0, 7.0, 8.0], settle_s=0.2)
    assert [age for _, age in ages_ms(done)] == [7.0, 8.0]
    assert [since_s for since_s, _ in ages_ms(done)] == pytest.approx([0.207, 0.308])
    assert len(ages_ms(done, settle=False)) == 4


def test_a_transport_without_times_gives_numbers() -> None:
    done = round_of([5.0, 5.0])
    shown_at_ns = done.watched["shown_at_ns"]
    done.published["counted"]["captured_at_ns"] = [captured_ns for captured_ns, _ in shown_at_ns]
    done.watched["shown_at_ns"] = [(number, at_ns) for number, (_, at_ns) in enumerate(shown_at_ns)]
    assert [age for _, age in ages_ms(done)] == [5.0, 5.0]


def test_rate_counts_what_is_shown_while_the_camera_runs() -> None:
    assert fps(round_of([1.0] * 10)) == 10.0
    assert fps(round_of([1.0] * 5 + [700.0] * 5)) == 5.0


def test_cost_is_what_lies_between_the_marks() -> None:
    costs = cost([round_of([1.0]), round_of([1.0])], "published")
    assert costs == {"cpu_ms": 20.0, "cpu_without_jpeg_ms": 10.0, "wire_bytes": 1000}


def test_figures_of_nothing_shown() -> None:
    figures = slow_figures(round_of([]))
    assert figures["age_ms"] == {}
    assert figures["shown"] == 0


def test_bytes_that_only_the_transport_knows() -> None:
    done = round_of([1.0] * 10, udp_bytes=5000)
    assert age_figures([done])["publisher"]["wire_bytes"] == 500
    assert age_figures([done])["start_ms"] == 52


def test_ratio() -> None:
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(None, 2.0) is None
    assert ratio(3.0, None) is None


def figures_of(p50: float, p99: float, cpu: float, highest: float) -> dict[str, Any]:
    side = {"cpu_without_jpeg_ms": cpu / 2}
    return {"age_ms": {"p50": p50, "p99": p99}, "publisher": side, "viewer": side, "highest_fps": highest}


def results_of(ours: dict[str, Any], common: dict[str, Any], naive: dict[str, Any]) -> dict[str, Any]:
    transports = dict.fromkeys(("ours-persistent", "ours-non-persistent"), ours)
    transports |= dict.fromkeys(("common-persistent", "common-non-persistent"), common)
    transports["naive-websocket"] = naive
    return {"sizes": {"720p": transports, "1080p": transports}, "left_out": {"ours-mjpeg": "too old"}, "slow": {}}


def test_targets_that_hold() -> None:
    judged = targets(results_of(figures_of(12, 40, 5, 60), figures_of(10, 20, 1, 99), figures_of(40, 99, 10, 30)))
    assert len(judged) == 8
    assert all(target.holds for target in judged)


def test_targets_that_do_not_hold() -> None:
    judged = targets(results_of(figures_of(18, 60, 7, 40), figures_of(10, 20, 1, 99), figures_of(40, 99, 10, 30)))
    assert not any(target.holds for target in judged)
    assert judged[0].sentence.endswith("age p50 as a multiple of the common way's: 1.80, and at most 1.30 is wanted")


def test_readings_across_kinds_of_topics() -> None:
    lines = other_readings(results_of(figures_of(18, 60, 7, 40), figures_of(10, 20, 1, 99), {}))
    assert lines[0] == "720p: age p50 of ours-non-persistent is 1.80 times that of common-persistent"
    assert other_readings(results_of({}, {}, {})) == []


def test_what_was_not_measured_does_not_hold() -> None:
    assert not Target("x", None, 1.0).holds
    assert Target("x", None, 1.0, at_least=True).sentence == "x: not measured, and at least 1.00 is wanted"
    assert not any(target.holds for target in targets(results_of({}, {}, {})))


def slow_of(**viewer: int) -> dict[str, Any]:
    counted = {"received": 280, "shown": 50, "dropped": {"superseded": 230}, "missing": 20} | viewer
    publisher = {"captured": 300, "published": 280, "dropped": {"superseded": 15, "in_flight_full": 5}}
    memory = [(second / 2, 100.0, 90.0) for second in range(120)]
    return {"age_ms": {"p99": 300.0}, "memory_over_time_mb": memory, "publisher": publisher, "viewer": counted}


def test_accounts() -> None:
    assert unaccounted(slow_of()) == 0
    assert unaccounted(slow_of(shown=40)) == 10
    assert unaccounted(slow_of(missing=0)) == 20


def test_slow_viewer_targets() -> None:
    results = results_of({}, {}, {}) | {"sizes": {}, "slow": {"ours-persistent": slow_of(), "imagezmq": {}}}
    results["left_out"] = {}
    judged = targets(results)
    assert [target.holds for target in judged] == [True] * 4


def test_growth() -> None:
    assert growth_mb([100.0] * 60) == 0
    assert growth_mb([float(value) for value in range(60)]) == 40
    assert growth_mb([1.0]) is None


@pytest.fixture(autouse=True)
def opencv() -> Iterator[None]:
    """A gauge wraps the JPEG functions; other tests get them back as they were."""
    encode, decode, simple = cv2.imencode, cv2.imdecode, simplejpeg.decode_jpeg
    yield
    cv2.imencode, cv2.imdecode, simplejpeg.decode_jpeg = encode, decode, simple


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ring of small frames."""
    folder = tmp_path_factory.mktemp("rings") / "small"
    assert make_ring(folder, SMALL) == pytest.approx(SMALL.jpeg_bytes, rel=0.05)
    return folder


def test_camera_gives_every_frame_to_who_comes_in_time(ring: Path) -> None:
    camera = Camera(Job("floor", str(ring), fps=1000, seconds=0.1, settle_s=0.02), Gauge(), encoded=True)
    shots = []
    while shot := camera.read():
        shots.append(shot)
    assert [shot.number for shot in shots] == list(range(camera.given))
    assert camera.given + camera.missed >= 100
    assert {shot.jpeg[:2] for shot in shots} == {b"\xff\xd8"}
    times = [shot.captured_at_ns for shot in shots]
    assert times == sorted(times)
    assert len(camera.marks) == 2


def test_camera_ring_has_different_frames(ring: Path) -> None:
    assert len({(ring / f"{number}.jpg").read_bytes() for number in range(RING)}) == RING


def test_meter_notes_frames(ring: Path) -> None:
    meter = Meter(Job("floor", str(ring), settle_s=0.0), Gauge(), lambda _: None)
    meter.decode((ring / "0.jpg").read_bytes(), 17)
    assert [captured for captured, _ in meter.shown_at_ns] == [17]
    assert isinstance(meter.marks[0], Mark)
    assert meter.marks[0].jpeg_s > 0
    with pytest.raises(ValueError, match="not a JPEG"):
        meter.decode(b"text", 18)


@pytest.mark.skipif(tcp_bytes() is None, reason="only Linux reports them")
def test_bytes_of_tcp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted = server.accept()[0]
        before = tcp_bytes()
        client.sendall(b"x" * 1000)
        assert len(accepted.recv(1000, socket.MSG_WAITALL)) == 1000
        after = tcp_bytes()
        accepted.close()
    assert before is not None
    assert after is not None
    assert after - before == 2000  # both ends are in this process


def test_every_transport_has_a_peer_that_is_one() -> None:
    assert {transport.peer for transport in TRANSPORTS.values()} <= set(TRANSPORTS)


def test_missing_package_is_named() -> None:
    assert replace(TRANSPORTS["floor"], needs=("no_such_package",)).problem() == "not installed: no_such_package"
