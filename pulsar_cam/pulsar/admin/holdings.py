"""What a node has for one subscription, by its statistics of the topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...text import whole


@dataclass(frozen=True, slots=True)
class Holdings:
    """What was published, and what of it waits for a subscription.

    Attributes:
        published: messages since the node loaded the topic; it counts from 0 when it loads it again.
        backlog: messages that the subscription has not acknowledged.
        has_us: whether the subscription is there, with a consumer.
    """

    published: int
    backlog: int
    has_us: bool

    @classmethod
    def of(cls, stats: Mapping[str, Any], subscription: str) -> Holdings:
        """Return what the statistics of a topic, or of all its partitions, say."""
        subscriptions = stats.get("subscriptions")
        ours = subscriptions.get(subscription) if isinstance(subscriptions, dict) else None
        ours = ours if isinstance(ours, dict) else {}
        return cls(
            whole(stats.get("msgInCounter")) or 0, whole(ours.get("msgBacklog")) or 0, bool(ours.get("consumers"))
        )

    @classmethod
    def total(cls, each: Sequence[Holdings]) -> Holdings:
        """Return what several topics hold together; we are there if we are everywhere."""
        return cls(
            sum(one.published for one in each), sum(one.backlog for one in each), all(one.has_us for one in each)
        )
