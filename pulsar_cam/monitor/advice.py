"""What the monitor would change on the topic and the node, and the part of it that it may change itself.

**Safe** is what deletes no stored message when it is done, and can be undone with one command: limits that are at
least twice what is there. All else is only said: what deletes, what cannot be undone, what needs a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import PulsarError
from ..health.backlog import NEARLY_FULL, share_of
from ..health.commands import Commands
from ..health.settings import frame_limit_in, idle_timeout_in
from ..pulsar.admin.admin import Admin
from ..pulsar.admin.topic_policy import TopicPolicy
from ..pulsar.topics import Topic
from ..text import printable, size_text, whole
from .view import Advice, SubscriptionView, TopicView

logger = logging.getLogger(__name__)

BACKLOG_BYTES = 2_000_000_000
"""The backlog limit for a topic that has none: ten minutes of 720p at 30 fps."""
_HEADROOM = 2
_EVICTION = "consumer_backlog_eviction"
_MANY_BYTES_PER_S = 50e6
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Policies:
    """The limits in force on a topic, the node's own included; None for no limit.

    Attributes:
        is_own: whether the backlog limit was set on this topic.
        backlog_policy: what happens when it is reached, in Pulsar's words.
        retention_bytes: of acknowledged messages; 0 keeps none.
        keeps_all: whether acknowledged messages are kept without any limit.
    """

    backlog_bytes: int | None
    is_own: bool
    backlog_policy: str
    retention_bytes: int | None
    keeps_all: bool

    @property
    def blocks_publishers(self) -> bool:
        """Whether a full backlog stops the camera, instead of taking the oldest messages."""
        return self.backlog_policy != _EVICTION


async def policies_of(admin: Admin, topic: Topic) -> Policies:
    """Ask for the limits in force on a persistent topic.

    Raises:
        PulsarError: the node does not say.
    """
    in_force = (await admin.backlog_quotas(topic)).get("destination_storage")
    own = await admin.backlog_quotas(topic, applied=False)
    retention = await admin.retention(topic)
    quota = in_force if isinstance(in_force, dict) else {}
    minutes, megabytes = (
        whole(retention.get(f"retention{what}"), least=-1) or 0 for what in ("TimeInMinutes", "SizeInMB")
    )
    return Policies(
        backlog_bytes=whole(quota.get("limitSize"), least=1),
        is_own="destination_storage" in own,
        backlog_policy=printable(str(quota.get("policy", _EVICTION)), 40),
        retention_bytes=None if megabytes < 0 else megabytes * _MIB,
        keeps_all=minutes < 0 and megabytes < 0,
    )


def advise(
    commands: Commands, view: TopicView, policies: Policies | None, settings: Mapping[str, Any] | None
) -> list[Advice]:
    """Return what to change, the most important first; what is not known is left out."""
    found = [*_about_forgotten(commands, view), *_about_many_cameras(view)]
    if policies:
        found = [*_about_backlog(commands, view, policies), *found, *_about_retention(commands, policies)]
    for judge in (idle_timeout_in, frame_limit_in) if settings is not None else ():
        finding = judge(settings or {})
        found += [Advice(f"{finding.check}: {finding.says}: {finding.change}")] if finding.change else []
    return found


def _about_backlog(commands: Commands, view: TopicView, policies: Policies) -> Iterator[Advice]:
    limit_bytes = policies.backlog_bytes
    if limit_bytes is None:
        wanted = max(BACKLOG_BYTES, _HEADROOM * view.backlog_bytes)
        yield _limited(commands, wanted, policies, "nothing bounds what a subscription that stays away keeps on disk")
    elif policies.blocks_publishers and _HEADROOM * view.backlog_bytes <= limit_bytes:
        yield _limited(commands, limit_bytes, policies, "a subscription that stays away stops the camera in the end")
    elif policies.blocks_publishers:
        share = share_of(view.backlog_bytes, limit_bytes)
        yield Advice(f"the backlog is at {share:.0%}, and stops the camera when it is full: {_catch_up(view)}")
    elif (share := share_of(view.backlog_bytes, limit_bytes)) >= NEARLY_FULL:
        yield Advice(f"the backlog is at {share:.0%}, and its oldest frames are taken next: {_catch_up(view)}")


def _limited(commands: Commands, wanted_bytes: int, policies: Policies, why: str) -> Advice:
    says = f"{why}: limit the backlog to {size_text(wanted_bytes)}, with the oldest frames taken first"
    if policies.retention_bytes and wanted_bytes >= policies.retention_bytes:
        return Advice(f"{says}, and raise the retention of {size_text(policies.retention_bytes)} above that before")
    command = commands.limit_backlog(wanted_bytes)
    return Advice(f"{says}, with {command}", TopicPolicy(backlog_bytes=wanted_bytes), _undo(commands, policies))


def _undo(commands: Commands, policies: Policies) -> str:
    if not policies.is_own:
        return commands.remove_backlog_limit()
    return commands.restore_backlog_limit(policies.backlog_bytes, policies.backlog_policy)


def _catch_up(view: TopicView) -> str:
    behind = sorted(view.subscriptions, key=lambda each: each.backlog, reverse=True)[:3]
    names = ", ".join(_called(each) for each in behind if each.backlog)
    return f"let these catch up, or delete them: {names}" if names else "let its subscriptions catch up"


def _called(subscription: SubscriptionView) -> str:
    return f"{printable(subscription.name, 60)!r} ({subscription.backlog} behind)"


def _about_forgotten(commands: Commands, view: TopicView) -> Iterator[Advice]:
    forgotten = [each for each in view.subscriptions if each.is_durable and not each.consumers and each.backlog]
    for each in forgotten[:3]:
        yield Advice(
            f"{_called(each)} has no consumer, and the node keeps its frames: let it catch up, or delete it with "
            f"{commands.delete_subscription(each.name)}"
        )


def _about_many_cameras(view: TopicView) -> Iterator[Advice]:
    if view.publishers > 1 and not view.partitions and view.in_bytes_per_s > _MANY_BYTES_PER_S:
        yield Advice(
            f"{view.publishers} publishers send {size_text(view.in_bytes_per_s)}/s through one topic: give each a "
            "topic of its own, or a topic with partitions ('pulsar-cam create-topic --partitions N')"
        )


def _about_retention(commands: Commands, policies: Policies) -> Iterator[Advice]:
    if policies.keeps_all:
        command = commands.create_topic(retention_size="10GB")
        yield Advice(f"every frame is kept for ever: set a limit, such as with {command}")


class Applying:
    """Applies what is safe, each thing once a run, and logs what it did and how to undo it."""

    def __init__(self) -> None:
        self._done: set[TopicPolicy] = set()

    async def apply(self, admin: Admin, topic: Topic, found: list[Advice]) -> bool:
        """Apply the safe part of what was found; return whether something was. What the node refuses is logged."""
        before = len(self._done)
        for advice in found:
            if not advice.policy or advice.policy in self._done:
                continue
            self._done.add(advice.policy)
            try:
                await advice.policy.apply(admin, topic)
            except PulsarError as error:
                logger.warning("not applied: %s (%s)", advice.says, error)
            else:
                logger.warning("applied to %s: %s; undo with: %s", topic, advice.says, advice.undo)
        return len(self._done) > before
