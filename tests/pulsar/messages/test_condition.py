"""The condition of a stream as a monitor publishes it: read from any client, and heeded only while it is new."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.errors import BadMessage
from pulsar_cam.pulsar.messages.condition import Condition, condition_in, condition_topic, packet_with
from pulsar_cam.pulsar.messages.wire import publish_text
from pulsar_cam.pulsar.topics import Topic

WELL = Condition(probe_ms=20, budget_ms=250, age_ms=40, max_age_ms=500, backlog=2)


def test_the_topic_lies_beside_the_streams_and_keeps_nothing() -> None:
    topic = condition_topic(Topic.parse("persistent://factory/line-1/front"))
    assert str(topic) == "non-persistent://factory/line-1/front-condition"


def test_what_is_told_is_read() -> None:
    assert condition_in(packet_with(WELL).jpeg) == WELL
    assert condition_in(packet_with(Condition()).jpeg) == Condition()


def test_a_condition_does_not_pretend_to_be_a_picture() -> None:
    properties = json.loads(publish_text(packet_with(WELL), "0"))["properties"]
    assert properties["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (Condition(), ""),
        (WELL, ""),
        (
            Condition(probe_ms=812.4, budget_ms=250),
            "the monitor's probe takes 812 ms through the node, budget 250 ms",
        ),
        (Condition(probe_ms=812), ""),
        (Condition(age_ms=900, max_age_ms=500), "frames reach the monitor 900 ms old, limit 500 ms"),
    ],
)
def test_why_frames_are_late(condition: Condition, why: str) -> None:
    assert condition.why_late == why


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[]", b"7", b'{"probe_ms":', b"[" * 100_000])
def test_what_is_no_condition_is_refused(payload: bytes) -> None:
    with pytest.raises(BadMessage, match="condition"):
        condition_in(payload)


@pytest.mark.parametrize("value", [None, "9", True, -1, 1e300, [], {}, "\x1b[31m"])
def test_a_value_that_is_no_plain_number_is_not_known(value: object) -> None:
    names = ("probe_ms", "budget_ms", "age_ms", "max_age_ms", "backlog")
    assert condition_in(orjson.dumps(dict.fromkeys(names, value))) == Condition()


@given(
    st.dictionaries(st.sampled_from(["probe_ms", "budget_ms", "backlog", "x"]), st.integers(-9, 2**63) | st.text())
)
def test_no_json_object_breaks_it(told: dict[str, object]) -> None:
    assert isinstance(condition_in(json.dumps(told).encode()).why_late, str)
