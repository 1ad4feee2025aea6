"""Demand: whether anybody subscribes to a topic, and how far behind they are, asked of the admin API again and again.

Consumers, readers and viewers in any language count, each as a consumer of some subscription.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from ...errors import NotAuthenticated, NotAuthorized, PulsarError, TokenUnavailable, TopicNotFound
from ...pulsar.admin.admin import Admin
from ...pulsar.endpoint import Endpoint
from ...pulsar.topics import MONITOR_NAME, Topic
from ...text import whole

logger = logging.getLogger(__name__)

POLL_S = 0.5
SLOW_POLL_S = 2.0
NO_RIGHT_POLL_S = 60.0
TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Audience:
    """Who subscribes to a topic.

    Attributes:
        consumers: how many are connected, over all subscriptions and partitions.
        backlog: how many messages the most advanced of their subscriptions has not acknowledged; None without any.
    """

    consumers: int
    backlog: int | None


class Demand:
    """Polls a topic's statistics for as long as `run` does; never raises on the way.

    Where the admin API cannot say, the audience is not known, and that counts as demand. Why is logged once.
    Without a right to know, it is asked every NO_RIGHT_POLL_S only: a right may be granted, or a token renewed.

    Args:
        on_demand: whether publishing depends on it: polls every POLL_S, and warns when the audience is not known. If
            not, every SLOW_POLL_S is enough, and not knowing is no more than information.

    Attributes:
        audience: as it was last reported; None while it is not known.
    """

    def __init__(self, endpoint: Endpoint, topic: Topic, *, on_demand: bool) -> None:
        self.audience: Audience | None = None
        self._endpoint, self._topic, self._on_demand = endpoint, topic, on_demand
        self._has_told = False
        self._has_no_right = False

    @property
    def is_there(self) -> bool:
        """Whether frames are wanted: the topic has a subscriber, or that is not known."""
        return self.audience is None or self.audience.consumers > 0

    async def run(self) -> None:
        """Ask again and again, for ever."""
        try:
            async with Admin(self._endpoint, TIMEOUT_S) as admin:
                while True:
                    self.audience = await self._ask(admin)
                    await asyncio.sleep(self._pause_s)
        except PulsarError as error:  # no client can be made at all
            self._tell(error)
        finally:
            self.audience = None

    @property
    def _pause_s(self) -> float:
        if self._has_no_right:
            return NO_RIGHT_POLL_S
        return POLL_S if self._on_demand else SLOW_POLL_S

    async def _ask(self, admin: Admin) -> Audience | None:
        self._has_no_right = False
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return audience_in(await admin.stats(self._topic))
        except TopicNotFound:  # not yet: the producer is about to make it
            return None
        except (PulsarError, TimeoutError) as error:
            self._has_no_right = isinstance(error, (NotAuthenticated, NotAuthorized, TokenUnavailable))
            self._tell(error)
            return None

    def _tell(self, error: Exception) -> None:
        if self._has_told:
            return
        self._has_told = True
        level = logging.WARNING if self._on_demand else logging.INFO
        logger.log(
            level,
            "it is not known whether %s has viewers, so all frames are sent: %s",
            self._topic,
            str(error) or "no answer in time",
        )


def audience_in(stats: dict[str, Any]) -> Audience:
    """Return who subscribes, by a topic's statistics; what has another form than Pulsar's is left out."""
    subscriptions = stats.get("subscriptions")
    consumers, backlogs = 0, []
    for name, subscription in subscriptions.items() if isinstance(subscriptions, dict) else ():
        if (
            isinstance(subscription, dict)
            and not name.startswith(MONITOR_NAME)
            and isinstance(connected := subscription.get("consumers"), list)
            and connected
        ):
            consumers += len(connected)
            backlogs.append(whole(subscription.get("msgBacklog")) or 0)
    return Audience(consumers, min(backlogs, default=None))
