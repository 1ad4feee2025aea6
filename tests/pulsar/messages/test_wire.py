"""Pulsar's JSON in both directions. The examples here are the documentation of the wire format."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.errors import BadMessage, DecodeError
from pulsar_cam.frame import Packet
from pulsar_cam.pulsar.messages.extra import MOST_EXTRA, MOST_EXTRA_BYTES, check_extra, extra_bytes
from pulsar_cam.pulsar.messages.wire import (
    DEFAULT_MESSAGE_LIMIT,
    DEFAULT_TEXT_LIMIT,
    Delivery,
    Receipt,
    ack_of_unreadable,
    ack_text,
    max_jpeg_bytes,
    packet_of,
    parse_delivery,
    parse_receipt,
    publish_text,
)

from ...lab.bombs import EOI, SOI, frame_header
from ...lab.hostile import assert_showable, value_or_error

JPEG = SOI + frame_header(640, 480) + EOI
PACKET = Packet(
    jpeg=JPEG,
    width=640,
    height=480,
    captured_at_ns=1_767_323_045_678_901_234,
    source="camera-0",
    session="5f2a9c01",
    sequence=17,
    quality=80,
    encoded_at_ns=1_767_323_045_681_000_000,
    sent_at_ns=1_767_323_045_682_000_000,
    receipt_ns=5_250_000,
)
PROPERTIES = {
    "content-type": "image/jpeg",
    "source": "camera-0",
    "session": "5f2a9c01",
    "sequence": "17",
    "width": "640",
    "height": "480",
    "quality": "80",
    "captured-at-ns": "1767323045678901234",
    "encoded-at-ns": "1767323045681000000",
    "sent-at-ns": "1767323045682000000",
    "round-trip-ns": "5250000",
}
PUBLISHED = {
    "payload": base64.b64encode(JPEG).decode(),
    "properties": PROPERTIES,
    "context": "c1",
    "key": "camera-0",
    "eventTime": "2026-01-02T03:04:05.678+00:00",
}
DELIVERED = {
    "messageId": "CDcQADAA",
    "payload": PUBLISHED["payload"],
    "properties": PROPERTIES,
    "publishTime": "2026-01-02T03:04:05.69Z",
    "redeliveryCount": 0,
    "eventTime": "2026-01-02T03:04:05.678Z",
    "key": "camera-0",
}
PUBLISHED_AT_NS = 1_767_323_045_690_000_000


def delivered(**changes: Any) -> Delivery:
    return parse_delivery(orjson.dumps(DELIVERED | changes), received_at_ns=5)


def test_packet_is_published_as_this_json() -> None:
    assert json.loads(publish_text(PACKET, "c1")) == PUBLISHED


def test_delivered_json_is_the_packet_that_was_published() -> None:
    delivery = delivered()
    assert delivery == Delivery("CDcQADAA", JPEG, PUBLISHED_AT_NS, 5, PROPERTIES, "camera-0", 0)
    assert packet_of(delivery) == replace(
        PACKET, delivered_at_ns=5, message_id="CDcQADAA", key="camera-0", published_at_ns=PUBLISHED_AT_NS
    )


def test_ack_names_the_message() -> None:
    assert json.loads(ack_text(delivered())) == {"messageId": "CDcQADAA"}


def test_optional_facts_are_left_out_because_pulsar_closes_the_session_on_a_null() -> None:
    text = publish_text(Packet(JPEG, 640, 480, captured_at_ns=0), "7")
    message = json.loads(text)
    assert b"null" not in text
    assert message["properties"] == {
        "content-type": "image/jpeg", "source": "", "width": "640", "height": "480", "captured-at-ns": "0"
    }  # fmt: skip
    assert message["eventTime"] == "1970-01-01T00:00:00.000+00:00"


@pytest.mark.parametrize("captured_at_ns", [0, 1, 999_999, 1_767_323_045_678_999_999, 9_999_999_999_999_999_999, -1])
def test_event_time_is_the_capture_time_in_milliseconds_with_an_offset(captured_at_ns: int) -> None:
    text = json.loads(publish_text(replace(PACKET, captured_at_ns=captured_at_ns), "c"))["eventTime"]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert round((datetime.fromisoformat(text) - epoch).total_seconds() * 1000) == captured_at_ns // 1_000_000


@pytest.mark.parametrize(
    "source",
    ["", "x" * 200, "摄" * 200, "\U0001f4f7" * 200, '"\\' * 100, "\x01" * 200, "\U0001f4f7" * 5000, "caf\udce9"],
    ids=["none", "ASCII", "three bytes", "four bytes", "escaped", "control", "far too long", "not UTF-8"],
)
@pytest.mark.parametrize(
    "limits", [(DEFAULT_TEXT_LIMIT, DEFAULT_MESSAGE_LIMIT), (8 * 1024 * 1024, 5_242_880), (20_000, 9000)]
)
def test_a_jpeg_of_the_largest_size_fits_both_limits(source: str, limits: tuple[int, int]) -> None:
    text_limit, message_limit = limits
    jpeg = bytes(max_jpeg_bytes(text_limit, message_limit))
    most = 9_999_999_999_999_999_999
    packet = Packet(jpeg, 65500, 65500, most, source, "5f2a9c01", most, 100, most, most)
    text = publish_text(packet, "9" * 19)
    assert len(text) <= text_limit
    message = json.loads(text)
    metadata = [message["key"], *message["properties"], *message["properties"].values()]
    assert len(jpeg) + sum(len(part.encode()) for part in metadata) + 300 <= message_limit


def test_usual_limits_leave_this_much_for_a_jpeg() -> None:
    assert max_jpeg_bytes() == 783_360
    assert max_jpeg_bytes(8 * 1024 * 1024) == 5_238_784
    assert max_jpeg_bytes(1000, 1000) < 0


RECEIPTS = [
    (
        '{"result":"ok","messageId":"CDUQATAA","context":"c1","errorCode":0,"schemaVersion":0}',
        Receipt("c1", message_id="CDUQATAA"),
    ),
    (
        '{"result":"send-error:7","errorMsg":"Invalid Base64 message-payload error=Illegal base64 character 40",'
        '"context":"badb64","errorCode":0,"schemaVersion":0}',
        Receipt("badb64", problem="Invalid Base64 message-payload error=Illegal base64 character 40"),
    ),
    (
        '{"result":"send-error:3","errorMsg":"Unrecognized token \'no\'\\n at [Source: REDACTED]","errorCode":0}',
        Receipt(None, problem="Unrecognized token 'no'"),
    ),
    (
        '{"result":"send-error:8","errorMsg":"org.apache.pulsar.client.api.PulsarClientException$'
        'TopicTerminatedException: Topic was terminated","context":"9","errorCode":0}',
        Receipt("9", problem="Topic was terminated", failure="TopicTerminatedException"),
    ),
    ('{"result":"send-error:8","errorMsg":"\\u001b[2J","context":"9"}', Receipt("9", problem="\ufffd[2J")),
    ('{"result":"send-error:8"}', Receipt(None, problem="send-error:8")),
]


@pytest.mark.parametrize(("text", "receipt"), RECEIPTS)
def test_receipt_is_read(text: str, receipt: Receipt) -> None:
    assert parse_receipt(text) == parse_receipt(text.encode()) == receipt
    assert receipt.accepted == (receipt.message_id is not None)


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "7", "null", "{}", '{"result":8}', '{"result":"ok"}', b"\xff\xfe"]
)
def test_text_that_is_no_receipt_is_refused(text: str | bytes) -> None:
    with pytest.raises(BadMessage):
        parse_receipt(text)


@pytest.mark.parametrize(
    ("text", "unix_ns"),
    [
        ("2026-01-02T03:04:05Z", 1_767_323_045_000_000_000),
        ("2026-01-02T03:04:05.1Z", 1_767_323_045_100_000_000),
        ("2026-01-02T03:04:05.05Z", 1_767_323_045_050_000_000),
        ("2026-01-02T03:04:05.678Z", 1_767_323_045_678_000_000),
        ("2026-01-02T05:04:05.678+02:00", 1_767_323_045_678_000_000),
        ("2026-01-02T03:04:05.678901234Z", 1_767_323_045_678_901_000),
    ],
)
def test_publish_time_is_read_with_any_fraction(text: str, unix_ns: int) -> None:
    assert delivered(publishTime=text).published_at_ns == unix_ns


@pytest.mark.parametrize(
    "changes",
    [
        {"messageId": None},
        {"messageId": 7},
        {"payload": None},
        {"payload": "a b"},
        {"payload": "_-_-"},
        {"payload": "AAA"},
        {"payload": "ü"},
        {"publishTime": None},
        {"publishTime": "yesterday"},
        {"publishTime": "2026-01-02T03:04:05"},
        {"publishTime": "9999-99-99T00:00:00Z"},
        {"publishTime": 1_767_323_045_678},
        {"properties": [1]},
        {"properties": "text"},
    ],
)
def test_delivery_that_pulsar_would_not_send_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadMessage):
        delivered(**changes)


def test_delivery_may_lack_what_is_optional() -> None:
    text = '{"messageId":"CAAQADAA","payload":"","publishTime":"2026-01-02T03:04:05.69Z"}'
    assert parse_delivery(text, 5) == Delivery("CAAQADAA", b"", PUBLISHED_AT_NS, 5)
    assert delivered(properties=None, key=None, redeliveryCount="x", unknown=[1]).properties == {}


def test_bare_jpeg_is_a_packet_whose_age_counts_from_the_publish_time() -> None:
    packet = packet_of(delivered(properties={}, key="door"))
    assert packet == Packet(
        JPEG, 640, 480, captured_at_ns=PUBLISHED_AT_NS, source="door", delivered_at_ns=5, message_id="CDcQADAA",
        key="door", published_at_ns=PUBLISHED_AT_NS,
    )  # fmt: skip


def test_size_is_the_jpegs_own_whatever_the_properties_say() -> None:
    packet = packet_of(delivered(properties={"width": "9", "height": "-1", "content-type": "text/plain", "new": "x"}))
    assert (packet.width, packet.height) == (640, 480)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e9", "٣", " 7", "7\n", "0x10", "NaN", "9" * 20, "9" * 5000])
def test_absurd_numbers_count_as_not_given(text: str) -> None:
    names = ("sequence", "quality", "captured-at-ns", "encoded-at-ns", "sent-at-ns")
    packet = packet_of(delivered(properties=dict.fromkeys(names, text)))
    assert packet.captured_at_ns == PUBLISHED_AT_NS
    assert {packet.sequence, packet.quality, packet.encoded_at_ns, packet.sent_at_ns} == {None}


@pytest.mark.parametrize(("text", "quality"), [("0", 0), ("100", 100), ("101", None), ("9" * 19, None)])
def test_a_quality_is_100_at_most(text: str, quality: int | None) -> None:
    assert packet_of(delivered(properties={"quality": text})).quality == quality


@pytest.mark.parametrize(
    ("text", "ack"),
    [
        (orjson.dumps(DELIVERED), b'{"messageId":"CDcQADAA"}'),
        (b'{"messageId":"CDcQ+/A=","publishTime":7}', b'{"messageId":"CDcQ+/A="}'),
        (b'{"messageId":"","payload":""}', None),
        (b'{"messageId":7}', None),
        (b'{"messageId":"a\\"b"}', None),
        (b'{"messageId":"' + b"A" * 201 + b'"}', None),
        (b'{"properties":{"messageId":"CDcQADAA"}}', None),
        (b"", None),
    ],
)
def test_what_cannot_be_read_is_acknowledged_if_it_begins_as_pulsars(text: bytes, ack: bytes | None) -> None:
    assert ack_of_unreadable(text) == ack


@pytest.mark.parametrize("captured_at_ns", ["0", "-5", "9999999999999999999", "9223372036854775807", "soon"])
def test_a_time_that_no_clock_can_have_shown_is_not_known(captured_at_ns: str) -> None:
    names = ("captured-at-ns", "encoded-at-ns", "sent-at-ns")
    packet = packet_of(delivered(properties=dict.fromkeys(names, captured_at_ns)))
    assert packet.captured_at_ns == packet.published_at_ns
    assert (packet.encoded_at_ns, packet.sent_at_ns) == (None, None)


def test_labels_are_made_showable_and_short() -> None:
    packet = packet_of(delivered(properties={"source": "\x1b[2J" + "x" * 9999, "session": "\n" * 9999}))
    assert packet.session is None
    assert_showable(packet.source, 203)


@pytest.mark.parametrize(
    ("properties", "session"),
    [
        ({"source": "cam", "session": "5f2a9c01"}, "5f2a9c01"),
        ({"session": "5f2a9c01"}, None),
        ({"source": "cam"}, None),
        ({"source": "cam", "session": "frame-1"}, None),
        ({"source": "cam", "session": "5f2a9c012"}, None),
    ],
)
def test_a_session_is_what_this_project_writes(properties: dict[str, str], session: str | None) -> None:
    packet = packet_of(delivered(properties=properties, key="lane-1"))
    assert packet.session == session
    assert (packet.stream is None) == (session is None)


@pytest.mark.parametrize("payload", [b"", b"hello", b"\x89PNG\r\n\x1a\n", JPEG[:9], SOI + frame_header(65500, 65500)])
def test_payload_that_is_no_jpeg_or_a_bomb_is_no_packet(payload: bytes) -> None:
    with pytest.raises(DecodeError):
        packet_of(delivered(payload=base64.b64encode(payload).decode()))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
near_receipts = st.dictionaries(
    st.sampled_from(["result", "messageId", "context", "errorMsg"]), json_values | st.just("ok")
)
near_deliveries = st.dictionaries(st.sampled_from([*DELIVERED, "unknown"]), json_values).map(
    lambda part: DELIVERED | part
)
hostile_properties = st.dictionaries(
    st.sampled_from([*PROPERTIES, "new"]), st.text(max_size=30) | st.integers().map(str)
)


@given(st.binary(max_size=100) | (near_receipts | json_values).map(orjson.dumps))
def test_any_text_is_a_receipt_or_a_bad_message(text: bytes) -> None:
    receipt = value_or_error(lambda: parse_receipt(text), BadMessage)
    if receipt and receipt.problem is not None:
        assert_showable(receipt.problem, 303)


@given(st.binary(max_size=100) | (near_deliveries | json_values).map(orjson.dumps))
def test_any_text_is_a_delivery_or_a_bad_message(text: bytes) -> None:
    delivery = value_or_error(lambda: parse_delivery(text, 0), BadMessage)
    if delivery:
        assert orjson.loads(ack_text(delivery)) == {"messageId": delivery.message_id}
        value_or_error(lambda: packet_of(delivery), DecodeError)


@given(st.text(max_size=40))
def test_any_publish_time_is_a_time_or_a_bad_message(text: str) -> None:
    value_or_error(lambda: delivered(publishTime=text), BadMessage)


@given(hostile_properties)
def test_any_properties_make_a_packet_that_can_be_published_again(properties: dict[str, str]) -> None:
    packet = packet_of(delivered(properties=properties))
    assert_showable(packet.source + (packet.session or ""), 406)
    assert json.loads(publish_text(packet, "c"))["payload"] == PUBLISHED["payload"]


@pytest.mark.parametrize(
    "text",
    [
        b'{"messageId":"a","payload":"aGk=","publishTime":"2026-01-02T03:04:05.69Z"}',
        b'{"payload":"aGk=","messageId":"a","publishTime":"2026-01-02T03:04:05.69Z"}',
        b'{"messageId":"a", "payload": "aGk=","publishTime":"2026-01-02T03:04:05.69Z"}',
        b'{"messageId":"a","properties":{"payload":"bm8="},"payload":"aGk=","publishTime":"2026-01-02T03:04:05.69Z"}',
    ],
)
def test_the_payload_is_found_wherever_it_stands(text: bytes) -> None:
    assert parse_delivery(text, 5).payload == b"hi"
    assert parse_delivery(text.decode(), 5) == parse_delivery(text, 5)


@pytest.mark.parametrize(
    "text",
    [
        b'{"messageId":"a","payload":"',
        b'{"messageId":"a","payload":"aGk=',
        b'{"messageId":"a","payload":"aGk\\u003d","publishTime":"2026-01-02T03:04:05.69Z"}',
        b'{"messageId":"a","payload":"a\\"k=","publishTime":"2026-01-02T03:04:05.69Z"}',
        b'{"messageId":"a","payload":"aG k=","publishTime":"2026-01-02T03:04:05.69Z"}',
    ],
)
def test_a_payload_that_is_cut_off_or_no_base64_is_refused(text: bytes) -> None:
    with pytest.raises(BadMessage):
        parse_delivery(text, 5)


def test_a_notice_goes_with_its_card() -> None:
    card = replace(PACKET, notice="camera-0 stopped", sequence=None)
    properties = json.loads(publish_text(card, "c1"))["properties"]
    assert properties["notice"] == "camera-0 stopped"
    assert "sequence" not in properties
    delivery = Delivery("CAAQADAA", PACKET.jpeg, 0, 0, properties)
    assert packet_of(delivery).notice == "camera-0 stopped"


def test_a_strangers_notice_is_made_showable() -> None:
    delivery = Delivery("CAAQADAA", PACKET.jpeg, 0, 0, {"notice": "\x1b[2J\n" + "x" * 100_000})
    assert_showable(packet_of(delivery).notice)
    assert packet_of(replace(delivery, properties={"notice": ""})).notice == ""


def test_properties_of_others_are_kept_and_published_again() -> None:
    theirs = {"lane": "2", "weather": "Nebel\n", "detections": '[{"box":[1,2,3,4]}]'}
    packet = packet_of(delivered(properties=PROPERTIES | theirs))
    assert packet.extra == theirs
    assert packet.sequence == 17
    assert json.loads(publish_text(packet, "c1"))["properties"] == PROPERTIES | theirs


def test_a_property_of_others_never_takes_the_place_of_ours() -> None:
    packet = Packet(
        JPEG, 640, 480, captured_at_ns=0, sequence=3, extra={"sequence": "9", "session": "x", "lane": "2"}
    )
    properties = json.loads(publish_text(packet, "c1"))["properties"]
    assert (properties["sequence"], properties["lane"]) == ("3", "2")
    assert "session" not in properties


@pytest.mark.parametrize(
    "properties",
    [
        {f"name {number}": "" for number in range(5000)},
        {"one": "x" * 4_000_000},
        {"x" * 4_000_000: "one"},
        {f"name {number}": "\x01" * 500 for number in range(10)},
    ],
    ids=["many", "long", "long name", "escaped"],
)
def test_properties_of_strangers_are_bounded(properties: dict[str, str]) -> None:
    packet = packet_of(delivered(properties=properties))
    check_extra(packet.extra)
    assert len(packet.extra) <= MOST_EXTRA
    assert extra_bytes(packet.extra) <= MOST_EXTRA_BYTES
    assert len(publish_text(replace(packet, jpeg=b""), "c")) < 4096 + MOST_EXTRA_BYTES


def test_a_packet_goes_under_its_key_or_its_sources_name() -> None:
    assert json.loads(publish_text(PACKET, "c"))["key"] == "camera-0"
    assert json.loads(publish_text(replace(PACKET, key="lane-2"), "c"))["key"] == "lane-2"
    assert packet_of(delivered(key="lane-2")).key == "lane-2"
    assert_showable(packet_of(delivered(key="\x1b[2J" + "x" * 9999)).key, 203)
