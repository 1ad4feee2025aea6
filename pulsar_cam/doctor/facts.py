"""What a node answers when it is asked everything at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from ..errors import NodeUnreachable, PulsarError, TokenUnavailable
from ..health.reach import Reach
from ..pulsar.access.credentials import Credentials, expiry_of
from ..pulsar.admin.admin import Admin, Security
from ..pulsar.admin.topic_rules import TopicRules, rules_of
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import Topic
from .exchange import Exchange, exchange

T = TypeVar("T")

ANSWER_S = 4.0


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as the node describes it; ``retention`` is empty where there can be none, or it is not known."""

    partitions: int
    stats: dict[str, Any]
    retention: dict[str, Any]
    rules: TopicRules = field(default_factory=TopicRules)


@dataclass(frozen=True, slots=True)
class Answers:
    """A node's answers; where there is none, the reason stands in its place.

    Attributes:
        version: as the admin API gives it.
        version_for_strangers: the same, asked without the token.
        settings: the node's settings in force.
        described: the topic.
        exchanged: what messages over the WebSocket showed.
        security: of the admin API's connection; None in plain text.
        token_expires_at: None without a token, or one that does not say.
    """

    endpoint: Endpoint
    topic: Topic
    version: str | BaseException
    version_for_strangers: str | BaseException
    settings: dict[str, Any] | BaseException
    described: TopicFacts | BaseException
    exchanged: Exchange | BaseException
    security: Security | BaseException | None = None
    token_expires_at: datetime | None = None

    @property
    def reach(self) -> Reach:
        """What both APIs of the node answered."""
        return Reach(self.version, self.exchanged)


async def ask(endpoint: Endpoint, topic: Topic) -> Answers:
    """Ask a node about itself and one topic; takes at most about 10 s."""
    # Rights and namespaces are those of the topic, and no other client is disturbed.
    probe = replace(topic, domain="non-persistent", name="pulsar-cam-doctor")
    stranger = replace(endpoint, credentials=None)
    async with Admin(endpoint, ANSWER_S) as admin, Admin(stranger, ANSWER_S) as admin_for_strangers:
        version, for_strangers, settings, described, security = await asyncio.gather(
            _in_time(admin.version(), endpoint),
            _in_time(admin_for_strangers.version(), endpoint),
            _in_time(admin.settings(), endpoint),
            _in_time(_describe(admin, topic), endpoint),
            _in_time(admin_for_strangers.secured_by(), endpoint),
            return_exceptions=True,
        )
    # Afterwards, because it measures times.
    (exchanged,) = await asyncio.gather(exchange(endpoint, probe), return_exceptions=True)
    expires_at = await asyncio.to_thread(_expiry, endpoint.credentials)
    return Answers(endpoint, topic, version, for_strangers, settings, described, exchanged, security, expires_at)


def _expiry(credentials: Credentials | None) -> datetime | None:
    try:
        return expiry_of(credentials.token()) if credentials else None
    except TokenUnavailable:
        return None


async def _in_time(answer: Coroutine[Any, Any, T], endpoint: Endpoint) -> T:
    """Wait for an answer that comes drop by drop no longer than for one that does not come."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await answer
    except TimeoutError as error:
        raise NodeUnreachable(endpoint.admin_url, f"no answer within {ANSWER_S:g} s") from error


async def _describe(admin: Admin, topic: Topic) -> TopicFacts:
    partitions = await admin.partitions(topic)
    stats = await admin.stats(topic)
    try:
        retention = await admin.retention(topic)
    except PulsarError:  # a non-persistent topic and a partition have none
        retention = {}
    return TopicFacts(partitions, stats, retention, await rules_of(admin, topic))
