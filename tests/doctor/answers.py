"""Answers of a node, made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pulsar_cam.doctor.exchange import ClockSample, Exchange
from pulsar_cam.doctor.facts import Answers, TopicFacts
from pulsar_cam.errors import NodeUnreachable, NotAuthenticated
from pulsar_cam.pulsar.access.credentials import Token
from pulsar_cam.pulsar.admin.topic_rules import TopicRules
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic

URL = "http://localhost:8080"
TOPIC = Topic.parse("video-stream")
MS = 1_000_000
DOWN = NodeUnreachable(URL, "connection refused")
STRANGER = NotAuthenticated(URL)
NOT_TAKEN = NotAuthenticated(URL, "the node does not accept the token", "ask its administrator")
LATER = datetime(2100, 1, 2, tzinfo=UTC)
SOON = datetime.now(UTC) + timedelta(days=3)
SECRET = "eyJhbGciOiJIUzI1NiJ9.secret"
WELL = Answers(
    endpoint=Endpoint.of(URL),
    topic=TOPIC,
    version="4.0.8",
    version_for_strangers="4.0.8",
    settings={"webSocketMaxTextFrameSize": "8388608", "maxMessageSize": "5242880"},
    described=TopicFacts(0, {"subscriptions": {}}, {}),
    exchanged=Exchange([ClockSample(0, MS, 3 * MS)], [0.003, 0.004, 0.009]),
)
WITH_TOKEN = replace(WELL, endpoint=Endpoint.of(URL, credentials=Token(SECRET)))


def settings(**values: int) -> Answers:
    return replace(WELL, settings={name: str(value) for name, value in values.items()})


def described(partitions: int = 0, retention: dict[str, int] | None = None, **stats: Any) -> Answers:
    return replace(WELL, described=TopicFacts(partitions, stats, retention or {}))


def ruled(**rules: Any) -> Answers:
    return replace(WELL, described=TopicFacts(0, {"subscriptions": {}}, {}, TopicRules(**rules)))


def clocks(*samples: tuple[int, int, int]) -> Answers:
    return replace(WELL, exchanged=Exchange([ClockSample(*(value * MS for value in each)) for each in samples]))


def at(service_url: str, ws_url: str | None = None) -> Answers:
    endpoint = Endpoint.of(service_url, ws_url=ws_url, credentials=Token(SECRET), allow_plain_text_token=True)
    return replace(WELL, endpoint=endpoint)
