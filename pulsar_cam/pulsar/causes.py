"""Why Pulsar refuses, by its own words: one HTTP status stands for many causes, and one cause comes with several.

The words are those of a 4.0.8 node, on its WebSocket API and on its admin API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import BacklogFull, LimitReached, ProducerExcluded, PulsarError, RequestRejected, TopicTerminated
from .topics import Topic

_LIMIT = re.compile(r"max(?:imum)?(?: number of| same address)? (producers|consumers|subscriptions|topics)\b", re.I)
_EXCLUDED = re.compile(r"existing exclusive producer|fenced", re.I)
_TERMINATED = re.compile(r"(?:was|already) terminated|TopicTerminated", re.I)
_BACKLOG = re.compile(r"backlog quota exceeded|quota of the topic .* exceeded", re.I)


@dataclass(frozen=True, slots=True)
class _Cause:
    words: re.Pattern[str]
    remedy: str
    transient: bool


def _cause(words: str, remedy: str, *, transient: bool = False) -> _Cause:
    return _Cause(re.compile(words, re.I), remedy, transient)


_CAUSES = (
    _cause(
        "without a schema|incompatible ?schema|schemavalidation",
        "our messages have no schema: use another `topic`, or switch off schemaValidationEnforced for this one",
    ),
    _cause(
        "encryption is required",
        "our messages are not encrypted: use another `topic`, or switch off encryptionRequired for this one",
    ),
    _cause(
        r"support \w+ sub type",
        "subscribe with another `kind`, or have this one added to subscriptionTypesEnabled",
    ),
    _cause(
        "subscription does not exist",
        "have it created, or subscribe to one that is not durable",
        transient=True,
    ),
    _cause(
        "partitioned topic startMessageId",
        "a partitioned topic has no one place to go on from: read each partition, such as NAME-partition-0",
    ),
    _cause("already exists", "use what is there, or another name"),
    _cause(
        "too many|rate limit|throttl",
        "ask less often, or have the node's limit on requests raised",
        transient=True,
    ),
    _cause(
        "metadata ?store|zookeeper|session ?expired|bad ?version",
        "the node's metadata store does not answer: look at its log",
        transient=True,
    ),
    _cause(
        "not served|not ready|redo the lookup|temporarily unavailable|unloaded|is starting|being transferred",
        "the node is starting, or hands the topic over to another: try again in a moment",
        transient=True,
    ),
)


def cause_of(status: int, reason: str, action: str, topic: Topic | None, name: str = "") -> PulsarError | None:
    """Return the error for Pulsar's reason; None if its words are not known, and only the status says something.

    Args:
        action: what was refused, such as ``publish to persistent://public/default/video-stream``.
        topic: what it was about; None if that was the node.
        name: the subscription or producer that it was about.
    """
    if topic and (limit := _LIMIT.search(reason)):
        kind = limit.group(1).lower()
        if kind == "topics":
            return LimitReached(f"namespace {topic.tenant}/{topic.namespace}", kind)
        return LimitReached(name if name and reason.startswith("Subscription ") else f"topic {topic}", kind)
    if topic and _TERMINATED.search(reason):
        return TopicTerminated(str(topic))
    if topic and _BACKLOG.search(reason):
        return BacklogFull(str(topic), reason)
    if topic and status == 409 and _EXCLUDED.search(reason):
        return ProducerExcluded(str(topic))
    for cause in _CAUSES:
        if cause.words.search(reason):
            return RequestRejected(action, status, reason, cause.remedy, cause.transient)
    return None
