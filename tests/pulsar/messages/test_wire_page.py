"""The messages in docs/wire-format.md are those that are sent and understood."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from pulsar_cam.pictures.jpeg import encode
from pulsar_cam.pulsar.messages.wire import packet_of, parse_delivery, publish_text

from ...lab.streams import frames

_PAGE = (Path(__file__).parents[3] / "docs" / "wire-format.md").read_text(encoding="utf-8")
_JPEG = base64.b64encode(encode(next(iter(frames(1))), 80).jpeg).decode()
_SHORTENED = "/9j/4AAQSkZJRgABAQAA"


def _messages() -> list[dict[str, Any]]:
    published, received = (json.loads(each) for each in re.findall(r"```json\n(.*?)```", _PAGE, re.DOTALL))
    assert published["payload"] == received["payload"] == _SHORTENED
    assert _JPEG.startswith(_SHORTENED)
    return [each | {"payload": _JPEG} for each in (published, received)]


def test_the_messages_of_the_page_are_ours() -> None:
    published, received = _messages()
    as_received = received | {"properties": published["properties"]}
    packet = packet_of(parse_delivery(json.dumps(as_received), 1_795_823_230_700_000_000))
    again = json.loads(publish_text(packet, published["context"]))
    sizes = {"width": "320", "height": "240"}  # those of the JPEG itself
    assert again == published | {"properties": published["properties"] | sizes}


def test_what_a_viewer_receives_of_it_is_understood() -> None:
    packet = packet_of(parse_delivery(json.dumps(_messages()[1]), 1_795_823_230_700_000_000))
    assert (packet.source, packet.session, packet.sequence) == ("camera-0", "b6ce839d", 41)
    assert packet.captured_at_ns == 1_795_823_230_579_290_087


def test_every_property_that_is_sent_is_on_the_page() -> None:
    for name in _messages()[0]["properties"]:
        assert f"`{name}`" in _PAGE
