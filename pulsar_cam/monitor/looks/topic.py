"""The broker's statistics of the stream's topic, looked at again and again.

Pulsar's own rates are of the last minute, and 0 in the first one: ours are the differences of its counters.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from ...pulsar.admin.admin import Admin
from ...pulsar.admin.topic_rules import TopicRules, rules_of
from ...pulsar.topics import MONITOR_NAME, Topic
from ...text import printable, whole
from ..view import SubscriptionView, TopicView

_MOST_SUBSCRIPTIONS = 1000
_RULES_EVERY_S = 10.0
_GROWS_FOR = 3
_LEAST_GROWTH = 30  # messages: a second of video


class TopicLook:
    """Asks for the statistics, and compares them with those before.

    Attributes:
        growing: the subscriptions with a consumer whose backlog grew in each of the last three looks.
        rules: what held for the topic some seconds ago.
    """

    def __init__(self, admin: Admin, topic: Topic) -> None:
        self.growing: tuple[str, ...] = ()
        self.rules = TopicRules()
        self._asked_at_s = -_RULES_EVERY_S
        self._admin, self._topic = admin, topic
        self._at_s = 0.0
        self._counters: dict[str, int] = {}
        self._backlogs: dict[str, deque[int]] = {}

    async def round(self) -> TopicView:
        """Return the topic as it is now, without the subscriptions of monitors.

        Raises:
            PulsarError: the admin API does not say.
        """
        if self._at_s - self._asked_at_s >= _RULES_EVERY_S:
            self._asked_at_s = self._at_s
            self.rules = await rules_of(self._admin, self._topic)
        stats = await self._admin.stats(self._topic)
        now_s = time.monotonic()
        view = self._view(stats, now_s - self._at_s)
        self._at_s = now_s
        self.growing = tuple(each.name for each in view.subscriptions if self._grows(each))
        gone = self._backlogs.keys() - {each.name for each in view.subscriptions}
        for name in gone:
            del self._backlogs[name]
        return view

    def _view(self, stats: dict[str, Any], passed_s: float) -> TopicView:
        before, self._counters = self._counters, {}

        def rate(name: str, count: int) -> float:
            self._counters[name] = count
            grown = count - before.get(name, count)  # a topic that was loaded again counts from 0
            return round(max(0, grown) / passed_s, 1)

        all_of_it = _mapping(stats.get("subscriptions"))
        named = {
            printable(name, 100): each
            for name, each in list(all_of_it.items())[:_MOST_SUBSCRIPTIONS]
            if isinstance(each, dict) and not name.startswith(MONITOR_NAME)
        }
        subscriptions = tuple(
            SubscriptionView(
                name=name,
                is_durable=each.get("isDurable") is True,
                consumers=_length(each.get("consumers")),
                backlog=_count(each.get("msgBacklog")),
                out_per_s=rate(f"messages to {name}", _count(each.get("msgOutCounter"))),
            )
            for name, each in named.items()
        )
        limit = _count(stats.get("backlogQuotaLimitSize"))
        return TopicView(
            publishers=_length(stats.get("publishers")),
            in_per_s=rate("messages", _count(stats.get("msgInCounter"))),
            in_bytes_per_s=rate("bytes", _count(stats.get("bytesInCounter"))),
            out_per_s=round(sum(each.out_per_s for each in subscriptions), 1),
            out_bytes_per_s=round(
                sum(rate(f"bytes to {name}", _count(each.get("bytesOutCounter"))) for name, each in named.items()), 1
            ),
            storage_bytes=_count(stats.get("storageSize")),
            backlog_bytes=_count(stats.get("backlogSize")),
            backlog_limit_bytes=limit or None,
            partitions=_count(_mapping(stats.get("metadata")).get("partitions")),
            subscriptions=subscriptions,
        )

    def _grows(self, subscription: SubscriptionView) -> bool:
        seen = self._backlogs.setdefault(subscription.name, deque(maxlen=_GROWS_FOR + 1))
        seen.append(subscription.backlog)
        steps = [later - earlier for earlier, later in zip(seen, list(seen)[1:], strict=False)]
        return (
            subscription.consumers > 0 and len(steps) == _GROWS_FOR and min(steps) > 0 and sum(steps) >= _LEAST_GROWTH
        )


def _count(value: object) -> int:
    return whole(value) or 0


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
