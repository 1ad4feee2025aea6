"""What every parser of foreign input owes: its value, or its documented error with a sentence fit for a terminal."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TypeVar

from pulsar_cam.errors import BadMessage, DecodeError
from pulsar_cam.frame import Packet
from pulsar_cam.pictures.jpeg import decode
from pulsar_cam.pulsar.messages.wire import ack_of_unreadable, packet_of, parse_delivery, publish_text
from pulsar_cam.watching.stats import WatchStats

T = TypeVar("T")
_NOW_NS = 1_767_323_045_690_000_000
_MOST_PIXELS = 1_000_000  # larger ones only take time


def assert_showable(text: str, most: int = 700) -> None:
    """Check that a text is one line without control characters, and not endless."""
    assert text.isprintable(), ascii(text)
    assert len(text) <= most


def value_or_error(parse: Callable[[], T], documented: type[Exception]) -> T | None:
    """Return what the parser returns, or None where it raises what it documents; anything else is a failure."""
    try:
        return parse()
    except documented as error:
        assert_showable(str(error))
        return None


def live_through(text: bytes) -> WatchStats:
    """Take a text from a node the whole way of a viewer, and check what a person or a program sees of it then."""
    stats = WatchStats()
    delivery = value_or_error(lambda: parse_delivery(text, _NOW_NS), BadMessage)
    if delivery is None:
        assert json.loads(ack_of_unreadable(text) or "{}").keys() <= {"messageId"}
        return stats
    stats.arrived(delivery)
    try:
        look_at(packet_of(delivery), stats)
    except DecodeError as error:
        logging.disable()
        stats.drop_unreadable(error)
        logging.disable(logging.NOTSET)
    assert stats.received == stats.shown + stats.dropped.total()
    for line in (*stats.parts, *stats.info):
        assert_showable(line)
    json.dumps(stats.as_dict(), allow_nan=False)
    return stats


def look_at(packet: Packet, stats: WatchStats) -> None:
    """Show a packet's picture as a viewer does, and publish it again as a bridge would."""
    stats.follow(packet)
    stats.ages.is_too_old(packet)
    if packet.width * packet.height <= _MOST_PIXELS:
        frame = decode(packet, fit=(320, 240))
        assert 0 < frame.width <= packet.width
        assert 0 < frame.height <= packet.height
    stats.show(packet, _NOW_NS)
    assert json.loads(publish_text(packet, "c"))["payload"]
