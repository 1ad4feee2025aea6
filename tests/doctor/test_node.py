"""What a node's answers mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from pulsar_cam.doctor import Finding, node
from pulsar_cam.doctor.exchange import Exchange
from pulsar_cam.doctor.facts import Answers
from pulsar_cam.errors import (
    NamespaceNotFound,
    NotAuthorized,
    RequestRejected,
    TlsFailed,
    TokenUnavailable,
    TopicNotFound,
)
from pulsar_cam.pulsar.admin.admin import Security
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic

from .answers import (
    DOWN,
    LATER,
    NOT_TAKEN,
    SECRET,
    SOON,
    STRANGER,
    TOPIC,
    URL,
    WELL,
    WITH_TOKEN,
    at,
    clocks,
    described,
    ruled,
    settings,
)

JUDGEMENTS: list[tuple[Callable[[Answers], Finding], Answers, str, str, str]] = [
    (node.node, WELL, "ok", "Pulsar 4.0.8 answers", ""),
    (node.node, replace(WELL, version=STRANGER), "ok", "a node answers", ""),
    (node.node, replace(WELL, version=DOWN, exchanged=DOWN), "problem", "connection refused", "node start"),
    (node.node, replace(WELL, version=DOWN), "warning", "only the WebSocket API", "`admin_url`"),
    (node.auth, WELL, "ok", "no token is needed", ""),
    (node.auth, replace(WELL, version=STRANGER), "problem", "wants a token", "`credentials`"),
    (node.auth, replace(WITH_TOKEN, version=NOT_TAKEN), "problem", "does not accept", "administrator"),
    (node.auth, replace(WITH_TOKEN, version=TokenUnavailable("it is empty", "fill")), "problem", "empty", "fill"),
    (node.auth, replace(WITH_TOKEN, version_for_strangers=STRANGER), "ok", "is accepted", ""),
    (node.auth, WITH_TOKEN, "ok", "not needed", ""),
    (
        node.auth,
        replace(WITH_TOKEN, version_for_strangers=STRANGER, token_expires_at=LATER),
        "ok",
        "accepted, until 2100-01-02 00:00:00 UTC",
        "",
    ),
    (node.tls, WELL, "ok", "not needed within this machine", ""),
    (node.tls, at("http://camera-host"), "warning", "unencrypted", "https://"),
    (node.tls, replace(at("https://host"), security=Security("TLSv1.3", LATER)), "ok", "TLSv1.3, ", ""),
    (node.tls, replace(at("https://host"), security=Security("TLSv1.3", SOON)), "warning", "good until", "renew"),
    (node.tls, replace(at("https://host"), security=DOWN), "skipped", "refused", ""),
    (node.node, replace(WELL, version=TlsFailed(URL, "why", "do this")), "problem", "why", "do this"),
    (node.websocket, replace(WELL, exchanged=TlsFailed(URL, "why", "do this")), "problem", "why", "do this"),
    (
        node.auth,
        replace(WITH_TOKEN, version=DOWN, exchanged=NOT_TAKEN),
        "problem",
        "does not accept",
        "administrator",
    ),
    (node.auth, at("http://camera-host:8080"), "warning", "unencrypted", "https://"),
    (node.auth, at("https://camera-host", ws_url="ws://camera-host"), "warning", "unencrypted", "wss://"),
    (node.auth, at("https://camera-host"), "ok", "token", ""),
    (node.websocket, WELL, "ok", "ws://localhost:8080", ""),
    (node.websocket, replace(WELL, exchanged=DOWN), "problem", "no session opens", "webSocketServiceEnabled"),
    (node.websocket, replace(WELL, exchanged=NotAuthorized("publish")), "warning", "may not publish", str(TOPIC)),
    (node.websocket, replace(WELL, exchanged=TopicNotFound("t")), "ok", "no topic by itself", ""),
    (node.websocket, replace(WELL, exchanged=RequestRejected("publish", 500, "why")), "problem", "why", ""),
    (node.websocket, replace(WELL, exchanged=NamespaceNotFound("a/b")), "problem", "a/b", ""),
    (node.topic, WELL, "ok", "not partitioned, no subscription", ""),
    (
        node.topic,
        replace(WELL, described=TopicNotFound("t")),
        "warning",
        "not exist",
        f"create-topic --topic {TOPIC}",
    ),
    (node.topic, replace(WELL, described=NamespaceNotFound("a/b")), "problem", "a/b does not exist", "administrator"),
    (node.topic, replace(WELL, described=NotAuthorized("look")), "skipped", "not allowed to look", ""),
    (node.topic, described(3), "ok", "3 partitions", ""),
    (
        node.topic,
        described(retention={"retentionTimeInMinutes": 60, "retentionSizeInMB": -1}),
        "ok",
        "keeps 60 minutes, no",
        "",
    ),
    (node.topic, described(backlogSize=70, backlogQuotaLimitSize=100), "ok", "no subscription", ""),
    (node.topic, described(backlogSize=90, backlogQuotaLimitSize=100), "warning", "at 90% of its limit", "delete"),
    (
        node.topic,
        described(oldestBacklogMessageAgeSeconds=9, backlogQuotaLimitTime=10),
        "warning",
        "at 90%",
        "delete",
    ),
    (node.topic, ruled(is_terminated=True), "problem", "was terminated", "another topic"),
    (node.topic, ruled(wants_schema=True), "problem", "schema", "schemaValidationEnforced"),
    (node.topic, ruled(wants_encryption=True), "problem", "encrypted", "encryptionRequired"),
    (node.topic, ruled(publish_per_s=5), "warning", "at most 5 messages/s (publish rate)", "`fps` 5 or less"),
    (node.topic, ruled(dispatch_per_s=5), "warning", "at most 5 messages/s (dispatch rate)", "`fps` 5 or less"),
    (
        node.topic,
        ruled(publish_per_s=100, ttl_s=60),
        "ok",
        "100 messages/s (publish rate), messages expire after",
        "",
    ),
    (node.topic, ruled(publish_bytes_per_s=500_000), "ok", "takes at most 500 kB/s (publish rate)", ""),
    (node.topic, described(backlogSize=90, backlogQuotaLimitSize=-1), "ok", "no subscription", ""),
    (node.topic, described(subscriptions={"a\x1b[31m": {"msgBacklog": 7}}), "ok", "a\ufffd[31m (7 behind)", ""),
    (node.topic, described(subscriptions={str(n): {} for n in range(8)}), "ok", "4 (0 behind), 3 more", ""),
    (node.frame_limit, WELL, "ok", "5238 kB", ""),
    (node.frame_limit, settings(), "warning", "783 kB", "webSocketMaxTextFrameSize to 1400000 or more"),
    (
        node.frame_limit,
        settings(webSocketMaxTextFrameSize=8_388_608, maxMessageSize=500_000),
        "warning",
        "495 kB",
        "raise maxMessageSize to 1010000",
    ),
    (node.frame_limit, replace(WELL, settings=NotAuthorized("read the settings")), "skipped", "not allowed", ""),
    (node.frame_limit, at(URL, ws_url="ws://proxy:8080"), "skipped", "separate WebSocket proxy", ""),
    (node.idle_timeout, settings(), "warning", "after 300 s of silence", "=60000"),
    (
        node.idle_timeout,
        settings(webSocketSessionIdleTimeoutMillis=-1),
        "warning",
        "holds its subscription",
        "=60000",
    ),
    (node.idle_timeout, settings(webSocketSessionIdleTimeoutMillis=60_000), "ok", "ping every 1 s", ""),
    (node.idle_timeout, settings(webSocketSessionIdleTimeoutMillis=5000), "ok", "after 5 s", ""),
    (node.idle_timeout, settings(webSocketSessionIdleTimeoutMillis=2000), "problem", "after 2 s", "=60000"),
    (node.idle_timeout, settings(webSocketPingDurationSeconds=2), "warning", "for ever", "=-1"),
    (node.idle_timeout, replace(WELL, settings=DOWN), "skipped", "connection refused", ""),
    (node.clock, WELL, "ok", "0.0 ms", ""),
    (node.clock, clocks((1000, 901, 1003)), "ok", "100.0 ms behind ours, give or take 2.0 ms", ""),
    (node.clock, clocks((0, 500, 2)), "warning", "499.5 ms ahead of ours", "chrony"),
    (node.clock, clocks((0, 500, 900)), "ok", "give or take 450.5 ms", ""),
    (node.clock, clocks(), "skipped", "no message came back", ""),
    (node.clock, replace(WELL, exchanged=Exchange(refusal=NotAuthorized("subscribe"))), "skipped", "subscribe", ""),
    (node.clock, replace(WELL, exchanged=STRANGER), "skipped", "no WebSocket session", ""),
    (node.round_trip, WELL, "ok", "100 kB are confirmed after 4.0 ms (median of 3)", ""),
    (node.round_trip, clocks(), "skipped", "no message", ""),
]


@pytest.mark.parametrize(("check", "facts", "state", "says", "change"), JUDGEMENTS)
def test_judgement(check: Callable[[Answers], Finding], facts: Answers, state: str, says: str, change: str) -> None:
    finding = check(facts)
    assert finding.state == state
    assert says in finding.says
    assert change in finding.change
    assert bool(change) == bool(finding.change)
    assert SECRET not in str(finding)


def test_nonsense_from_the_node_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(_endpoint: Endpoint, _topic: Topic) -> Answers:
        return described(subscriptions=["nonsense"])

    monkeypatch.setattr(node, "ask", ask)
    findings = {each.check: each for each in asyncio.run(node.examine(WELL.endpoint, TOPIC))}
    assert "the check itself failed" in findings["topic"].says
    assert findings["clock"].state == "ok"
