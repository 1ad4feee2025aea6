"""Checks of the node and the topic: each judges a node's answers, and asks for nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

from ..errors import (
    NamespaceNotFound,
    NodeUnreachable,
    NotAuthenticated,
    NotAuthorized,
    PulsarError,
    TlsFailed,
    TokenUnavailable,
    TopicNotFound,
)
from ..health.backlog import nearly_full, share_of
from ..health.commands import Commands
from ..health.finding import Finding, broken
from ..health.reach import reason_of, unreachable
from ..health.settings import frame_limit_in, idle_timeout_in
from ..health.topic_rules import USUAL_FPS, bottleneck_in, limits_in, obstacle_in
from ..pulsar.access.tls import is_loopback, is_secure
from ..pulsar.admin.admin import Security
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import Topic
from ..text import printable, shown_time, whole
from .exchange import ROUND_TRIP_BYTES, Exchange, clock_offset
from .facts import Answers, TopicFacts, ask

_MOST_CLOCK_OFFSET_S = 0.1
_CERTIFICATE_ENDS_SOON = timedelta(days=14)
_MOST_SUBSCRIPTIONS = 5


async def examine(endpoint: Endpoint, topic: Topic) -> list[Finding]:
    """Return the findings about a node and a topic on it; takes at most about 10 s."""
    facts = await ask(endpoint, topic)
    return [_safely(name, check, facts) for name, check in CHECKS.items()]


def _safely(name: str, check: Callable[[Answers], Finding], facts: Answers) -> Finding:
    explaining = (node,) if facts.reach.is_down else (node, tls, auth)
    if facts.reach.obstacle and check not in explaining:
        return Finding(name, "skipped", facts.reach.obstacle)
    try:
        return check(facts)
    except Exception as error:
        return broken(name, error)


def node(facts: Answers) -> Finding:
    """Check whether the admin API answers, in Pulsar's way."""
    url, answer = facts.endpoint.admin_url, facts.version
    if isinstance(answer, str):
        return Finding("node", "ok", f"Pulsar {answer} answers at {url}")
    if isinstance(answer, (NotAuthenticated, NotAuthorized, TokenUnavailable)):
        return Finding("node", "ok", f"a node answers at {url}")
    if isinstance(answer, TlsFailed):
        return unreachable("node", url, answer)
    if not isinstance(facts.exchanged, NodeUnreachable):
        says = f"only the WebSocket API answers: {_reason(answer)} at {url}"
        return Finding("node", "warning", says, "give the address of the admin API with `admin_url`")
    return unreachable("node", url, _known(answer))


def tls(facts: Answers) -> Finding:
    """Check whether connections are encrypted, and how long the node's certificate is good."""
    plain = [url for url in (facts.endpoint.admin_url, facts.endpoint.ws_url) if not is_secure(url)]
    if any(not is_loopback(url) for url in plain):
        return Finding("tls", "warning", "frames cross the network unencrypted", "use https:// and wss:// URLs")
    found = facts.security
    if not isinstance(found, Security):
        return Finding("tls", "ok", "not used, and not needed within this machine") if plain else _no_tls(found)
    says = f"{found.version}, the node's certificate is good until {shown_time(found.expires_at)}"
    if found.expires_at - datetime.now(UTC) < _CERTIFICATE_ENDS_SOON:
        return Finding("tls", "warning", says, "have the node's administrator renew it before")
    return Finding("tls", "ok", says)


def _no_tls(error: BaseException | None) -> Finding:
    return Finding("tls", "skipped", _reason(error) if error else "the certificate is not known")


def auth(facts: Answers) -> Finding:
    """Check whether a token is needed, given and accepted, and for how long."""
    for answer in (facts.version, facts.exchanged):
        if isinstance(answer, (NotAuthenticated, TokenUnavailable)):
            return Finding("auth", "problem", printable(answer.problem, 300), answer.remedy)
    if not facts.endpoint.credentials:
        return Finding("auth", "ok", "no token is needed")
    if not all(is_secure(url) or is_loopback(url) for url in (facts.endpoint.admin_url, facts.endpoint.ws_url)):
        return Finding("auth", "warning", "the token crosses the network unencrypted", "use https:// and wss:// URLs")
    needed = isinstance(facts.version_for_strangers, NotAuthenticated)
    until = f", until {shown_time(facts.token_expires_at)}" if facts.token_expires_at else ""
    return Finding("auth", "ok", f"the token is accepted{until}" if needed else "a token is given, and is not needed")


def websocket(facts: Answers) -> Finding:
    """Check whether a producer session really opens."""
    url, answer = facts.endpoint.ws_url, facts.exchanged
    if isinstance(answer, Exchange):
        return Finding("websocket", "ok", f"a session opens at {url}")
    if isinstance(answer, NamespaceNotFound) and isinstance(facts.described, NamespaceNotFound):
        return Finding("websocket", "skipped", "the topic's namespace comes first")
    if isinstance(answer, NotAuthorized):
        says = f"the token's role may not {answer.action}, where this is tried out"
        return Finding("websocket", "warning", says, f"grant it that, unless it may use {facts.topic}")
    if isinstance(answer, TopicNotFound):
        says = f"{url} answers, and makes no topic by itself on which to try out more"
        return Finding("websocket", "ok", says)
    if isinstance(answer, TlsFailed):
        return unreachable("websocket", url, answer)
    if isinstance(answer, NodeUnreachable):
        says = f"no session opens at {url} ({answer.problem})"
        return Finding("websocket", "problem", says, "check `ws_url`, and webSocketServiceEnabled=true on the node")
    return Finding("websocket", "problem", _reason(answer))


def topic(facts: Answers) -> Finding:
    """Check whether the topic is there, what it keeps, and how far its subscriptions lag."""
    found, name = facts.described, str(facts.topic)
    if isinstance(found, TopicNotFound):
        says = f"{name} does not exist"
        return Finding("topic", "warning", says, Commands(facts.endpoint, facts.topic).create_topic())
    if isinstance(found, NamespaceNotFound):
        says = f"namespace {found.namespace} does not exist"
        return Finding("topic", "problem", says, "check `topic`, or have the node's administrator create it")
    if not isinstance(found, TopicFacts):
        return Finding("topic", "skipped", _reason(found))
    if obstacle := obstacle_in(found.rules):
        return Finding("topic", "problem", f"{name}: {obstacle[0]}", obstacle[1])
    says = ", ".join((name, _partitions(found), *_kept(found), *limits_in(found.rules), _subscriptions(found)))
    if full := nearly_full("topic", says, _backlog_share(found)):
        return full
    change = bottleneck_in(found.rules, USUAL_FPS)
    return Finding("topic", "warning" if change else "ok", says, change)


def frame_limit(facts: Answers) -> Finding:
    """Report the largest JPEG that the node takes."""
    if reason := _no_settings(facts):
        return Finding("frame limit", "skipped", reason)
    assert isinstance(facts.settings, dict)
    return frame_limit_in(facts.settings)


def idle_timeout(facts: Answers) -> Finding:
    """Check whether the node would close a session between two of our pings, or hold one whose client has gone."""
    if reason := _no_settings(facts):
        return Finding("idle timeout", "skipped", reason)
    assert isinstance(facts.settings, dict)
    return idle_timeout_in(facts.settings)


def clock(facts: Answers) -> Finding:
    """Report how far the node's clock is from ours."""
    told = facts.exchanged
    if not isinstance(told, Exchange) or not told.samples:
        return Finding("clock", "skipped", _why_no_messages(told))
    offset_s, uncertainty_s = clock_offset(told.samples)
    direction = "ahead of" if offset_s > 0 else "behind"
    says = f"the node's is {abs(offset_s) * 1e3:.1f} ms {direction} ours, give or take {uncertainty_s * 1e3:.1f} ms"
    if abs(offset_s) - uncertainty_s > _MOST_CLOCK_OFFSET_S:
        advice = "synchronise both machines (chrony, systemd-timesyncd), or the age of frames will be wrong"
        return Finding("clock", "warning", says, advice)
    return Finding("clock", "ok", says)


def round_trip(facts: Answers) -> Finding:
    """Report how long the node takes to confirm a frame."""
    told = facts.exchanged
    if not isinstance(told, Exchange) or not told.round_trips_s:
        return Finding("round trip", "skipped", _why_no_messages(told))
    middle_ms, count = median(told.round_trips_s) * 1e3, len(told.round_trips_s)
    says = f"{ROUND_TRIP_BYTES // 1000} kB are confirmed after {middle_ms:.1f} ms (median of {count})"
    return Finding("round trip", "ok", says)


CHECKS: dict[str, Callable[[Answers], Finding]] = {
    "node": node,
    "tls": tls,
    "auth": auth,
    "websocket": websocket,
    "topic": topic,
    "frame limit": frame_limit,
    "idle timeout": idle_timeout,
    "clock": clock,
    "round trip": round_trip,
}


def _reason(error: BaseException) -> str:
    return reason_of(_known(error))


def _known(error: BaseException) -> PulsarError:
    if not isinstance(error, PulsarError):
        raise error
    return error


def _no_settings(facts: Answers) -> str:
    if facts.endpoint.has_separate_proxy:
        return "a separate WebSocket proxy does not report its settings"
    return "" if isinstance(facts.settings, dict) else _reason(facts.settings)


def _why_no_messages(told: Exchange | BaseException) -> str:
    if isinstance(told, Exchange):
        return str(told.refusal or "no message came back in time")
    return "no WebSocket session opens"


def _partitions(found: TopicFacts) -> str:
    return f"{found.partitions} partitions" if found.partitions else "not partitioned"


def _kept(found: TopicFacts) -> list[str]:
    minutes = whole(found.retention.get("retentionTimeInMinutes"), least=-1)
    megabytes = whole(found.retention.get("retentionSizeInMB"), least=-1)
    if not minutes and not megabytes:
        return []
    limits = [f"{limit} {unit}" for limit, unit in ((minutes, "minutes"), (megabytes, "MiB")) if limit and limit > 0]
    return [f"keeps {' and '.join(limits) or 'everything'}"]


def _subscriptions(found: TopicFacts) -> str:
    subscriptions = found.stats.get("subscriptions") or {}
    if not subscriptions:
        return "no subscription"
    shown = [
        f"{printable(name, 60)} ({whole(each.get('msgBacklog')) or 0} behind)" for name, each in subscriptions.items()
    ]
    more = [f"{len(shown) - _MOST_SUBSCRIPTIONS} more"] if len(shown) > _MOST_SUBSCRIPTIONS else []
    return "subscriptions: " + ", ".join(shown[:_MOST_SUBSCRIPTIONS] + more)


def _backlog_share(found: TopicFacts) -> float:
    def share(part: str, limit: str) -> float:
        return share_of(whole(found.stats.get(part)) or 0, whole(found.stats.get(limit)))

    size = share("backlogSize", "backlogQuotaLimitSize")
    return max(size, share("oldestBacklogMessageAgeSeconds", "backlogQuotaLimitTime"))
