"""What is fuzzed: each target takes any bytes, and fails where a parser does not keep what it owes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pulsar_cam.errors import BadMessage, DecodeError
from pulsar_cam.frame import Packet
from pulsar_cam.pictures.jpeg_header import MAX_PIXELS, dimensions
from pulsar_cam.pulsar.messages.wire import parse_receipt
from pulsar_cam.pulsar.refusal import reason_in, refusal
from pulsar_cam.pulsar.target import Target
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.watching.stats import WatchStats

from .hostile import assert_showable, live_through, look_at, value_or_error

CORPORA = Path(__file__).parent / "corpora"
_TARGET = Target(
    url="ws://localhost/ws", node="ws://localhost", permission="consume",
    action="subscribe", topics=(Topic.parse("cam"),), name="subscription",
)  # fmt: skip


def delivery(data: bytes) -> None:
    """Try what a node sends to a viewer."""
    live_through(data)


def jpeg(data: bytes) -> None:
    """Try a picture."""
    size = value_or_error(lambda: dimensions(data), DecodeError)
    if size:
        assert 0 < size[0] * size[1] <= MAX_PIXELS
        value_or_error(lambda: look_at(Packet(data, *size, captured_at_ns=0), WatchStats()), DecodeError)


def receipt(data: bytes) -> None:
    """Try what a node sends to a publisher."""
    told = value_or_error(lambda: parse_receipt(data), BadMessage)
    if told and told.problem is not None:
        assert_showable(told.problem)


def page(data: bytes) -> None:
    """Try the page of a refused session."""
    assert_showable(reason_in(data))
    assert_showable(str(refusal(500 + len(data) % 5, data, _TARGET)))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "delivery": delivery,
    "jpeg": jpeg,
    "receipt": receipt,
    "refusal": page,
}


def inputs() -> Iterator[tuple[str, Path]]:
    """Yield each target with each file of its corpus."""
    for target in TARGETS:
        for file in sorted((CORPORA / target).iterdir()):
            yield target, file
