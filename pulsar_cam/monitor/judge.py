"""What the answers of a round mean, part by part: plain functions, which ask for nothing themselves."""

from __future__ import annotations

from dataclasses import replace

from ..errors import NamespaceNotFound, NodeUnreachable, NotAuthorized, PulsarError, TlsFailed, TopicNotFound
from ..health.backlog import nearly_full, share_of
from ..health.finding import Finding
from ..health.reach import reason_of, unreachable
from ..health.topic_rules import bottleneck_in, limits_in, obstacle_in
from ..text import size_text
from .facts import Facts
from .plan import Plan
from .view import TopicView

PARTS = ("node", "connect", "sessions", "probes", "storage", "topic", "stream")
SILENT_S = 2.0  # a publisher sends at least one frame, or one notice, a second
MOST_AGE_MS = 500.0  # as a viewer shows them
_MOST_CONNECT_MS = 1000.0
_NEARLY = 0.9  # of a limit: rates are measured
_SEE_STORAGE = " (see storage)"


def judge(facts: Facts, plan: Plan) -> tuple[Finding, ...]:
    """Return a finding for each of PARTS, in that order; one that explains others is reported as the only problem."""
    if obstacle := facts.reach.obstacle:
        return _only(node(facts), obstacle)
    findings = (
        *(check(facts) for check in (node, connect, sessions, probes, storage, topic)),
        stream(facts, plan),
    )
    if findings[PARTS.index("storage")].state == "problem":
        return tuple(_explained(each) for each in findings)
    return findings


def _only(finding: Finding, why: str) -> tuple[Finding, ...]:
    return (finding, *(Finding(part, "skipped", why) for part in PARTS[1:]))


def _explained(finding: Finding) -> Finding:
    if finding.check == "storage" or finding.state != "problem":
        return finding
    return replace(finding, state="warning", says=finding.says + _SEE_STORAGE, change="")


def node(facts: Facts) -> Finding:
    """Judge whether the node answers, and what it says of its own health."""
    version = facts.node.version
    if refusal := facts.reach.refusal:
        return Finding("node", "problem", refusal.problem, refusal.remedy)
    if isinstance(version, str):
        return _health(version, facts.node.health)
    if not isinstance(version, NodeUnreachable) or not facts.reach.is_down:
        return Finding("node", "skipped", f"only the WebSocket API answers: {reason_of(version)}")
    if facts.node.hangs:
        says = "it accepts connections, and does not answer: it hangs, or is overloaded"
        return Finding("node", "problem", says, "look at its log and its machine, or restart it")
    return unreachable("node", version.url, version)


def _health(version: str, health: PulsarError | None) -> Finding:
    if health is None:
        return Finding("node", "ok", f"Pulsar {version} answers, and its own health check passes")
    if isinstance(health, NotAuthorized):
        return Finding("node", "skipped", f"Pulsar {version} answers; our role may not ask for its health check")
    says = f"Pulsar {version} answers, and its own health check fails: {reason_of(health)}"
    return Finding("node", "problem", says, "look at the node's log and its disk")


def connect(facts: Facts) -> Finding:
    """Judge whether a new session opens, and in what time."""
    answer = facts.connect_ms
    if reason := _why_no_probes(facts):
        return Finding("connect", "skipped", reason)
    if isinstance(answer, PulsarError):
        return Finding("connect", "problem", f"no new session opens: {reason_of(answer)}", _remedy(answer))
    says = f"a new session opens in {answer:.0f} ms"
    if answer > _MOST_CONNECT_MS:
        change = "find out what keeps the node or the network busy"
        return Finding("connect", "warning", f"{says}, more than {_MOST_CONNECT_MS:.0f}", change)
    return Finding("connect", "ok", says)


def _why_no_probes(facts: Facts) -> str:
    """Return why messages to ourselves are refused, where that says nothing of the stream; empty if they are not."""
    if facts.rules.wants_encryption and isinstance(facts.connect_ms, PulsarError):
        return "the namespace requires encryption, and probes are not encrypted"
    missing = next((each for each in (facts.connect_ms, facts.kept) if isinstance(each, TopicNotFound)), None)
    return f"{missing.topic} does not exist, and our role may not make it" if missing else ""


def sessions(facts: Facts) -> Finding:
    """Judge whether sessions that should stay open do, and for how long a quiet one has."""
    if reason := _why_no_probes(facts):
        return Finding("sessions", "skipped", reason)
    if facts.kept:
        return Finding("sessions", "problem", f"the kept sessions are not open: {reason_of(facts.kept)}")
    if facts.quiet_status not in ("connected", "connecting"):
        return Finding("sessions", "problem", f"the quiet session is not open: {facts.quiet_status}")
    timeout_s = facts.node.idle_timeout_s
    against = f", with an idle time-out of {timeout_s:g} s" if timeout_s else ""
    says = f"a quiet session has been open for {facts.quiet_s:.0f} s{against}"
    if facts.survived_s is not None:
        says += f"; the one before was lost after {facts.survived_s:.0f} s"
    if facts.reconnects > 1:
        says += f"; one was opened again {facts.reconnects} times in the last minute"
        return Finding("sessions", "warning", says, "see 'pulsar-cam doctor' for the node's idle time-out")
    return Finding("sessions", "ok", says)


def probes(facts: Facts) -> Finding:
    """Judge which probes fail, or take too long."""
    if reason := _why_no_probes(facts):
        return Finding("probes", "skipped", reason)
    if isinstance(facts.connect_ms, PulsarError) and facts.kept:
        return Finding("probes", "skipped", "no session opens")
    troubled = [each for each in facts.verdicts if each.reason]
    if not troubled:
        return Finding("probes", "ok", f"all {len(facts.verdicts)} kinds arrive in time")
    worst = next((each for each in troubled if each.has_failed), troubled[0])
    says = f"{worst.name}: {worst.reason}"
    if len(troubled) > 1:
        says += f"; {len(troubled)} of {len(facts.verdicts)} kinds are in trouble"
    if all(each.is_recovering for each in troubled):
        return Finding("probes", "problem", f"{says}; in time again, but not long enough yet")
    return Finding("probes", "problem", says, "find out what keeps the node or the network busy")


def storage(facts: Facts) -> Finding:
    """Judge whether only what the node has to store fails."""
    if reason := _why_no_probes(facts):
        return Finding("storage", "skipped", reason)
    if not facts.topic_name.is_persistent:
        return Finding("storage", "skipped", "nothing is stored on a non-persistent topic")
    if facts.unstored or any(each.has_failed for each in facts.verdicts if not each.is_persistent):
        return Finding("storage", "skipped", "messages that are not stored do not pass either")
    if reason := _why_stored_fails(facts):
        says = f"only storing fails ({reason}): the disk is full, or the storage read-only"
        return Finding("storage", "problem", says, "make room on the node's disk, and look at its log")
    if facts.kept:
        return Finding("storage", "skipped", "the sessions are not open")
    return Finding("storage", "ok", "stored messages pass")


def _why_stored_fails(facts: Facts) -> str:
    if isinstance(facts.kept, NodeUnreachable) and isinstance(facts.connect_ms, NodeUnreachable):
        return f"no session opens, {facts.connect_ms.problem}"
    smallest = next(each for each in facts.verdicts if each.is_persistent)
    return smallest.reason if smallest.has_failed and not smallest.is_recovering and not facts.kept else ""


def topic(facts: Facts) -> Finding:
    """Judge what the broker knows of the stream's topic."""
    found = facts.topic
    if isinstance(found, TopicNotFound) and not facts.rules.makes_topics:
        says = "it does not exist, and its namespace makes no topic by itself"
        return Finding("topic", "problem", says, f"make it with 'pulsar-cam create-topic --topic {found.topic}'")
    if isinstance(found, TopicNotFound):
        return Finding("topic", "ok", "it does not exist yet, and is created by the first publisher or viewer")
    if isinstance(found, NamespaceNotFound):
        return Finding("topic", "problem", f"namespace {found.namespace} does not exist", "check `topic`")
    if isinstance(found, PulsarError):
        return Finding("topic", "skipped", reason_of(found))
    if not found.publishers and (obstacle := obstacle_in(facts.rules)):
        return Finding("topic", "problem", *obstacle)
    says = (
        f"{_number(found.publishers, 'publisher')}, {_number(found.consumers, 'viewer')}, "
        f"{found.in_per_s:.0f} messages/s in, {size_text(found.storage_bytes)} stored"
    )
    if full := nearly_full("topic", says, share_of(found.backlog_bytes, found.backlog_limit_bytes)):
        return full
    if facts.growing:
        change = "its viewer is too slow, or does not acknowledge"
        return Finding("topic", "warning", f"{says}; the backlog of {facts.growing[0]} grows", change)
    if change := bottleneck_in(facts.rules, found.in_per_s / _NEARLY):
        return Finding("topic", "warning", ", ".join((says, *limits_in(facts.rules))), change)
    return Finding("topic", "ok", says)


def stream(facts: Facts, plan: Plan) -> Finding:
    """Judge the real stream."""
    seen = facts.stream
    if facts.received:
        return Finding(
            "stream", "problem", f"it cannot be received: {reason_of(facts.received)}", _remedy(facts.received)
        )
    if seen.notice:
        return Finding("stream", "problem", f"its publisher has no picture: {seen.notice}", "look at the camera")
    if not seen.frames or seen.silent_s > SILENT_S:
        return _silence(facts, plan)
    middle_ms, late_ms = seen.age_ms["p50"] or 0.0, seen.age_ms["p95"] or 0.0
    says = f"{seen.fps:.1f} fps {seen.picture}, age p50 {middle_ms:.0f} p95 {late_ms:.0f} ms"
    if late_ms > MOST_AGE_MS:
        state = "problem" if middle_ms > MOST_AGE_MS else "warning"
        change = "see 'pulsar-cam watch --stats' for where the time goes"
        return Finding("stream", state, f"{says}: older than {MOST_AGE_MS:.0f} ms", change)  # type: ignore[arg-type]
    return Finding("stream", "ok", says)


def _silence(facts: Facts, plan: Plan) -> Finding:
    publishers = facts.topic.publishers if isinstance(facts.topic, TopicView) else 0
    if publishers and facts.stream.silent_s > SILENT_S:
        says = f"a publisher is connected, and has sent nothing for {facts.stream.silent_s:.0f} s"
        return Finding("stream", "problem", says, "look at the publisher and its camera")
    if publishers:
        return Finding("stream", "ok", "waiting for the first frame")
    says = "there is no publisher"
    if isinstance(facts.topic, PulsarError) and not isinstance(facts.topic, TopicNotFound):
        says = "no frames, and whether there is a publisher is not known"
    if plan.expects_stream:
        return Finding("stream", "problem", says, "start 'pulsar-cam publish'")
    return Finding("stream", "ok", says)


def _number(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _remedy(error: PulsarError) -> str:
    return error.remedy if isinstance(error, TlsFailed) else ""
