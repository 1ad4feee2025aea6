"""Asks a node for its limits and settings every now and then, and has advice made from them."""

from __future__ import annotations

import logging
import time
from typing import Any

from ..errors import PulsarError
from ..health.commands import Commands
from ..pulsar.admin.admin import Admin
from ..pulsar.endpoint import Endpoint
from ..pulsar.topics import Topic
from .advice import Applying, Policies, advise, policies_of
from .view import Advice, TopicView

logger = logging.getLogger(__name__)

_ASK_EVERY_S = 60.0


class Adviser:
    """Gives the advice of each round.

    Args:
        admin: an open client, whose time-out bounds each answer.
        applies: whether what is safe is done, too.
    """

    def __init__(self, admin: Admin, endpoint: Endpoint, topic: Topic, *, applies: bool) -> None:
        self._admin, self._topic = admin, topic
        self._endpoint = endpoint
        self._applying = Applying() if applies else None
        self._policies: Policies | None = None
        self._settings: dict[str, Any] | None = None
        self._asked_at_s = -_ASK_EVERY_S

    async def round(self, topic: TopicView | PulsarError) -> tuple[Advice, ...]:
        """Return what to change now, by the topic's newest statistics; nothing while they are not known."""
        if isinstance(topic, PulsarError):
            return ()
        if time.monotonic() - self._asked_at_s > _ASK_EVERY_S:
            await self._ask()
        found = advise(Commands(self._endpoint, self._topic), topic, self._policies, self._settings)
        if self._applying and await self._applying.apply(self._admin, self._topic, found):
            self._asked_at_s = -_ASK_EVERY_S
        return tuple(found)

    async def _ask(self) -> None:
        self._asked_at_s = time.monotonic()
        try:
            if self._topic.is_persistent:
                self._policies = await policies_of(self._admin, self._topic)
            if not self._endpoint.has_separate_proxy:
                self._settings = await self._admin.settings()
        except PulsarError as error:  # not every role may read them
            logger.debug("some limits are not known: %s", error)
