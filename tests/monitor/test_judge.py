"""What the answers of a round mean: no node."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pulsar_cam.errors import (
    NamespaceNotFound,
    NodeUnreachable,
    NotAuthenticated,
    NotAuthorized,
    PulsarError,
    RequestRejected,
    TlsFailed,
    TopicNotFound,
)
from pulsar_cam.health.finding import Finding
from pulsar_cam.monitor.facts import Facts, NodeFacts, Verdict
from pulsar_cam.monitor.judge import PARTS, judge
from pulsar_cam.monitor.plan import Plan
from pulsar_cam.monitor.view import StreamView, SubscriptionView, TopicView
from pulsar_cam.pulsar.admin.topic_rules import TopicRules
from pulsar_cam.pulsar.topics import Topic

URL = "http://localhost:8080"
REFUSED = NodeUnreachable(URL, "connection refused")
SILENT = NodeUnreachable(URL, "no answer in time")
TOKEN = NotAuthenticated(URL, "the node does not accept the token", "ask its administrator")
STORED, UNSTORED = Verdict("kept 1 kB", True), Verdict("kept 1 kB, not stored", False)
LARGE, FRESH = Verdict("kept 200 kB", True), Verdict("fresh 1 kB", True)
TOPIC = TopicView(
    publishers=1, in_per_s=30, in_bytes_per_s=3e6, out_per_s=30, out_bytes_per_s=3e6, storage_bytes=10**7,
    backlog_bytes=0, backlog_limit_bytes=10**8, partitions=0, subscriptions=(SubscriptionView("v", False, 1, 2, 30),),
)  # fmt: skip
STREAM = StreamView(
    fps=30, bytes_per_s=3e6, age_ms={"p50": 12, "p95": 20, "p99": 30}, picture="1280x720 q80", frames=90
)
WELL = Facts(
    topic_name=Topic.parse("video-stream"),
    node=NodeFacts("4.0.8", None, 60.0),
    connect_ms=12.0,
    kept=None,
    verdicts=(STORED, LARGE, UNSTORED, FRESH),
    topic=TOPIC,
    stream=STREAM,
    quiet_s=42,
)
SILENCE = replace(STREAM, frames=0, silent_s=5)


def found(facts: Facts, plan: Plan | None = None) -> dict[str, Finding]:
    findings = judge(facts, plan or Plan())
    assert tuple(each.check for each in findings) == PARTS
    return {each.check: each for each in findings}


def states(facts: Facts, plan: Plan | None = None) -> dict[str, str]:
    return {name: each.state for name, each in found(facts, plan).items()}


def of_node(**values: object) -> Facts:
    return replace(WELL, node=replace(WELL.node, **values))  # type: ignore[arg-type]


def failed(verdict: Verdict, reason: str = "no receipt within 4.0 s") -> Verdict:
    return replace(verdict, reason=reason, has_failed=True)


def verdicts(*changed: Verdict) -> Facts:
    by_name = {each.name: each for each in changed}
    return replace(WELL, verdicts=tuple(by_name.get(each.name, each) for each in WELL.verdicts))


def test_all_is_well() -> None:
    assert set(states(WELL).values()) == {"ok"}
    said = {name: each.says for name, each in found(WELL).items()}
    assert said["sessions"] == "a quiet session has been open for 42 s, with an idle time-out of 60 s"
    assert said["topic"] == "1 publisher, 1 viewer, 30 messages/s in, 10 MB stored"
    assert said["stream"] == "30.0 fps 1280x720 q80, age p50 12 p95 20 ms"


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (NodeFacts(REFUSED), "no Pulsar node answers at http://localhost:8080 (connection refused)"),
        (NodeFacts(SILENT), "no Pulsar node answers at http://localhost:8080 (no answer in time)"),
        (NodeFacts(SILENT, hangs=True), "it accepts connections, and does not answer"),
        (NodeFacts(TlsFailed(URL, "it speaks no TLS", "use http")), "no secure connection to http://localhost:8080"),
    ],
)
def test_a_node_that_is_down_is_the_only_problem(node: NodeFacts, says: str) -> None:
    facts = replace(WELL, node=node, connect_ms=REFUSED, kept=REFUSED, topic=REFUSED, received=REFUSED)
    assert list(states(facts).values()) == ["problem", *["skipped"] * 6]
    assert says in found(facts)["node"].says
    assert found(facts)["node"].change


def test_a_token_that_is_not_taken_is_the_only_problem() -> None:
    for facts in (of_node(version=TOKEN), replace(WELL, connect_ms=TOKEN)):
        assert list(states(facts).values()) == ["problem", *["skipped"] * 6]
        assert found(facts)["node"] == Finding("node", "problem", TOKEN.problem, TOKEN.remedy)


def test_a_proxy_without_admin_api_is_no_problem() -> None:
    assert states(of_node(version=SILENT))["node"] == "skipped"
    assert states(replace(of_node(version=SILENT), topic=SILENT)) == dict.fromkeys(PARTS, "ok") | {
        "node": "skipped",
        "topic": "skipped",
    }


def test_a_health_check_that_is_not_for_us_is_skipped_and_one_that_fails_a_problem() -> None:
    assert states(of_node(health=NotAuthorized("check its own health")))["node"] == "skipped"
    node = found(of_node(health=RequestRejected("check its own health", 500, "no ledger")))["node"]
    assert node.state == "problem"
    assert "no ledger" in node.says


@pytest.mark.parametrize("error", [NotAuthorized("publish to x", "produce"), TlsFailed(URL, "expired", "renew it")])
def test_no_new_session(error: PulsarError) -> None:
    connect = found(replace(WELL, connect_ms=error))["connect"]
    assert connect.state == "problem"
    assert connect.says.startswith("no new session opens: ")


def test_a_new_session_that_takes_long_is_a_warning() -> None:
    assert states(replace(WELL, connect_ms=1500.0))["connect"] == "warning"


def test_sessions_that_are_lost() -> None:
    assert states(replace(WELL, kept=SILENT))["sessions"] == "problem"
    assert states(replace(WELL, quiet_status="reconnecting: refused"))["sessions"] == "problem"
    assert states(replace(WELL, reconnects=1, survived_s=5.0))["sessions"] == "ok"
    again = found(replace(WELL, reconnects=4, survived_s=5.0))["sessions"]
    assert again.state == "warning"
    assert "the one before was lost after 5 s" in again.says


def test_a_probe_in_trouble_is_named() -> None:
    slow = replace(LARGE, reason="2 of the last 5 took more than 250 ms")
    probes = found(verdicts(slow))["probes"]
    assert (probes.state, probes.says) == ("problem", "kept 200 kB: 2 of the last 5 took more than 250 ms")
    assert found(verdicts(slow, failed(UNSTORED)))["probes"].says.startswith("kept 1 kB, not stored: no receipt")
    recovering = found(verdicts(replace(failed(LARGE), is_recovering=True)))["probes"]
    assert recovering.says.endswith("in time again, but not long enough yet")


def test_no_sessions_no_probes() -> None:
    assert states(replace(WELL, connect_ms=SILENT, kept=SILENT))["probes"] == "skipped"


def test_a_full_disk_is_the_only_problem_and_the_others_point_to_it() -> None:
    node = replace(WELL.node, health=SILENT)
    facts = replace(verdicts(failed(STORED), failed(FRESH)), node=node)
    assert states(facts) == dict.fromkeys(PARTS, "ok") | {
        "node": "warning",
        "probes": "warning",
        "storage": "problem",
    }
    assert found(facts)["probes"].says.endswith("(see storage)")
    assert found(facts)["storage"].change


def test_a_full_disk_is_told_also_by_one_who_comes_later_and_gets_no_session() -> None:
    facts = replace(WELL, kept=SILENT, connect_ms=SILENT)
    assert [name for name, state in states(facts).items() if state == "problem"] == ["storage"]
    assert states(replace(facts, unstored=SILENT))["storage"] == "skipped"


def test_if_nothing_passes_storage_is_not_blamed() -> None:
    assert states(verdicts(failed(STORED), failed(UNSTORED)))["storage"] == "skipped"
    assert states(replace(verdicts(failed(STORED)), kept=SILENT))["storage"] == "skipped"
    assert states(verdicts(failed(LARGE)))["storage"] == "ok"
    assert states(replace(WELL, topic_name=Topic.parse("non-persistent://public/default/a")))["storage"] == "skipped"


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        (TopicNotFound("a"), "ok"),
        (NamespaceNotFound("public/none"), "problem"),
        (NotAuthorized("read the statistics"), "skipped"),
        (SILENT, "skipped"),
        (replace(TOPIC, backlog_bytes=79_000_000), "ok"),
        (replace(TOPIC, backlog_bytes=80_000_000), "warning"),
        (replace(TOPIC, backlog_bytes=10**12, backlog_limit_bytes=None), "ok"),
    ],
)
def test_topic(topic: TopicView | PulsarError, state: str) -> None:
    assert states(replace(WELL, topic=topic))["topic"] == state


def test_a_backlog_that_grows_is_a_warning() -> None:
    topic = found(replace(WELL, growing=("viewer1",)))["topic"]
    assert (topic.state, topic.says.rpartition("; ")[2]) == ("warning", "the backlog of viewer1 grows")


@pytest.mark.parametrize(
    ("stream", "state", "says"),
    [
        (replace(STREAM, notice="camera unplugged"), "problem", "its publisher has no picture: camera unplugged"),
        (replace(STREAM, silent_s=9), "problem", "a publisher is connected, and has sent nothing for 9 s"),
        (SILENCE, "problem", "a publisher is connected, and has sent nothing for 5 s"),
        (replace(SILENCE, silent_s=0.5), "ok", "waiting for the first frame"),
        (replace(STREAM, age_ms={"p50": 100, "p95": 501, "p99": 501}), "warning", "older than 500 ms"),
        (replace(STREAM, age_ms={"p50": 900, "p95": 901, "p99": 901}), "problem", "older than 500 ms"),
    ],
)
def test_stream(stream: StreamView, state: str, says: str) -> None:
    finding = found(replace(WELL, stream=stream))["stream"]
    assert finding.state == state
    assert says in finding.says


def test_there_is_no_publisher_and_whether_that_matters() -> None:
    nobody = replace(WELL, stream=SILENCE, topic=replace(TOPIC, publishers=0))
    assert (found(nobody)["stream"].state, found(nobody)["stream"].says) == ("ok", "there is no publisher")
    assert states(nobody, Plan(expects_stream=True))["stream"] == "problem"
    unknown = replace(WELL, stream=SILENCE, topic=SILENT)
    assert found(unknown)["stream"].says == "no frames, and whether there is a publisher is not known"
    assert states(replace(WELL, received=NotAuthorized("subscribe")))["stream"] == "problem"


@pytest.mark.parametrize(
    ("rules", "publishers", "state", "says"),
    [
        (TopicRules(is_terminated=True), 0, "problem", "terminated"),
        (TopicRules(wants_schema=True), 0, "problem", "schema"),
        (TopicRules(wants_schema=True), 1, "ok", "1 publisher"),
        (TopicRules(publish_per_s=32), 1, "warning", "at most 32 messages/s (publish rate)"),
        (TopicRules(publish_per_s=60), 1, "ok", "30 messages/s in"),
    ],
)
def test_what_holds_for_the_topic(rules: TopicRules, publishers: int, state: str, says: str) -> None:
    topic = found(replace(WELL, rules=rules, topic=replace(TOPIC, publishers=publishers)))["topic"]
    assert (topic.state, says in topic.says) == (state, True), topic


def test_probes_that_have_no_topic_are_skipped() -> None:
    missing = TopicNotFound("persistent://public/default/video-stream-probe")
    seen = replace(WELL, connect_ms=missing, kept=missing, quiet_status=str(missing), verdicts=(STORED,))
    skipped = dict.fromkeys(("connect", "sessions", "probes", "storage"), "skipped")
    assert states(seen) == dict.fromkeys(PARTS, "ok") | skipped
    assert "our role may not make it" in found(seen)["connect"].says


def test_a_topic_that_nothing_makes_is_a_problem() -> None:
    seen = replace(WELL, topic=TopicNotFound("t"), rules=TopicRules(makes_topics=False), stream=StreamView())
    assert found(seen)["topic"].state == "problem"
    assert "create-topic --topic t" in found(seen)["topic"].change
