"""CPU time of the code that every frame runs through, without a node: .venv/bin/python -m scripts.bench_hot_path

Next to it, in the same run, other ways to do the same. A change that makes the hot path slower shows in the ratios,
which depend little on the machine. See docs/benchmarks.md. What is not installed is left out.
"""

from __future__ import annotations

import base64
import importlib
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pybase64
from rich.console import Console
from rich.table import Table

from pulsar_cam.frame import Packet
from pulsar_cam.pictures.opencv import cv2
from pulsar_cam.pulsar.messages.wire import ack_text, packet_of, parse_delivery, parse_receipt, publish_text
from pulsar_cam.watching.stats import WatchStats
from scripts.bench.frames import draw, jpeg_of
from scripts.bench.plan import QUALITY, SIZES, Size

BATCHES = 15
BATCH_S = 0.02
SAMPLES_BEFORE = 10_000  # statistics that slow down with their samples shall do so here

Way = tuple[str, Callable[[], object]]


def main() -> None:
    """Measure all, and print it."""
    console = Console()
    for size in SIZES.values():
        image = draw(size, 1)[0]
        table = Table("step", "way", title=f"{size.name}, JPEG of {size.jpeg_bytes // 1000} kB", title_justify="left")
        for heading in ("µs/frame", "times the first"):
            table.add_column(heading, justify="right")
        for step, ways in steps(size, image):
            _add(table, step, ways)
        console.print(table)


def cpu_us(function: Callable[[], object]) -> float:
    """Return the CPU time of one call in microseconds: the least of many batches, which disturb each other least."""
    function()
    start_s = time.thread_time()
    function()
    calls = max(1, int(BATCH_S / max(time.thread_time() - start_s, 1e-6)))
    return min(_batch_s(function, calls) for _ in range(BATCHES)) / calls * 1e6


def _batch_s(function: Callable[[], object], calls: int) -> float:
    start_s = time.thread_time()
    for _ in range(calls):
        function()
    return time.thread_time() - start_s


def _add(table: Table, step: str, ways: Iterable[Way]) -> None:
    first_us = 0.0
    for name, function in ways:
        taken_us = cpu_us(function)
        first_us = first_us or taken_us
        table.add_row(step, name, f"{taken_us:.1f}", f"{taken_us / first_us:.2f}")
        step = ""
    table.add_section()


def steps(size: Size, image: Any) -> Iterable[tuple[str, list[Way]]]:
    """Yield each step of a frame's way with the ways to do it; ours is the first."""
    packet = _packet(size, jpeg_of(image))
    receipt = '{"result":"ok","messageId":"CDUQATAA","context":"17","errorCode":0,"schemaVersion":0}'
    text = _delivery_text(packet)
    delivery = parse_delivery(text, time.time_ns())
    yield (
        "publish: message",
        [
            ("publish_text", lambda: publish_text(packet, "17")),
            ("json + base64", lambda: _standard_publish(packet)),
            *_msgspec_publish(packet),
        ],
    )
    yield (
        "publish: receipt",
        [("parse_receipt", lambda: parse_receipt(receipt)), ("json", lambda: json.loads(receipt)["result"])],
    )
    yield (
        "watch: message",
        [
            ("parse_delivery, packet_of", lambda: packet_of(parse_delivery(text, time.time_ns()))),
            ("json + base64", lambda: base64.b64decode(json.loads(text)["payload"])),
            *_msgspec_watch(text),
        ],
    )
    yield (
        "watch: ack",
        [
            ("ack_text", lambda: ack_text(delivery)),
            ("json", lambda: json.dumps({"messageId": delivery.message_id})),
        ],
    )
    yield "watch: statistics", [("WatchStats", _statistics(packet, text))]
    yield "encode", [("OpenCV", lambda: jpeg_of(image)), *_simplejpeg_encode(image)]
    yield "decode", [("OpenCV", lambda: _opencv_decode(packet.jpeg)), *_simplejpeg_decode(packet.jpeg)]


def _packet(size: Size, jpeg: bytes) -> Packet:
    now_ns = time.time_ns()
    return Packet(
        jpeg,
        size.width,
        size.height,
        captured_at_ns=now_ns,
        source="camera-0",
        session="0a1b2c3d",
        sequence=1234,
        quality=QUALITY,
        encoded_at_ns=now_ns,
        sent_at_ns=now_ns,
    )


def _delivery_text(packet: Packet) -> str:
    """Return what Pulsar pushes for a packet."""
    sent = json.loads(publish_text(packet, "17"))
    received = {"messageId": "CDcQADAA", "publishTime": "2026-01-02T03:04:05.678Z", "redeliveryCount": 0}
    return json.dumps(received | {name: sent[name] for name in ("payload", "properties", "eventTime", "key")})


def _standard_publish(packet: Packet) -> str:
    properties = {"captured-at-ns": str(packet.captured_at_ns), "sequence": str(packet.sequence)}
    payload = base64.b64encode(packet.jpeg).decode()
    return json.dumps({"payload": payload, "properties": properties, "context": "17", "key": packet.source})


def _statistics(packet: Packet, text: str) -> Callable[[], None]:
    stats, delivery = WatchStats(), parse_delivery(text, time.time_ns())

    def count() -> None:
        stats.arrived(delivery)
        stats.follow(packet)
        stats.show(packet, time.time_ns())

    for _ in range(SAMPLES_BEFORE):
        count()
    return count


def _opencv_decode(jpeg: bytes) -> object:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _msgspec_publish(packet: Packet) -> list[Way]:
    msgspec = _module("msgspec")
    if not msgspec:
        return []
    envelope = json.loads(publish_text(packet, "17"))

    def with_pybase64() -> bytes:
        encoded: bytes = msgspec.json.encode(envelope | {"payload": pybase64.b64encode_as_string(packet.jpeg)})
        return encoded

    return [
        ("msgspec + pybase64", with_pybase64),
        ("msgspec", lambda: msgspec.json.encode(envelope | {"payload": packet.jpeg})),
    ]


def _msgspec_watch(text: str) -> list[Way]:
    msgspec = _module("msgspec")
    if not msgspec:
        return []
    fields = [("messageId", str), ("publishTime", str), ("properties", dict[str, str])]
    as_text = msgspec.json.Decoder(msgspec.defstruct("AsText", [("payload", str), *fields]))
    as_bytes = msgspec.json.Decoder(msgspec.defstruct("AsBytes", [("payload", bytes), *fields]))
    return [
        ("msgspec + pybase64", lambda: pybase64.b64decode(as_text.decode(text).payload, validate=True)),
        ("msgspec", lambda: as_bytes.decode(text).payload),
    ]


def _simplejpeg_encode(image: Any) -> list[Way]:
    simplejpeg = _module("simplejpeg")
    if not simplejpeg:
        return []
    options = {"quality": QUALITY, "colorspace": "BGR", "colorsubsampling": "420"}
    return [("simplejpeg", lambda: simplejpeg.encode_jpeg(image, **options))]


def _simplejpeg_decode(jpeg: bytes) -> list[Way]:
    simplejpeg = _module("simplejpeg")
    return [("simplejpeg", lambda: simplejpeg.decode_jpeg(jpeg, colorspace="BGR"))] if simplejpeg else []


if __name__ == "__main__":
    main()
