"""A consumer that is connected and receives nothing: whether that is as it should be, and what to do if it is not.

A session stays open and answers pings when what is behind it in the node has died: its topic was deleted and made
again, or the node ran out of heap while it built a message. It is slow to learn of new partitions, too. The node's
statistics show it: messages are published, or wait for us, and none comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from ...errors import NamespaceNotFound, PulsarError, TopicNotFound
from ..admin.admin import Admin
from ..admin.holdings import Holdings
from .consumer import Consumer

logger = logging.getLogger(__name__)

_TICK_S = 0.5
_FIRST_LOOK_S = 2.0
_LOOK_S = 3.0
_IDLE_LOOK_S = 6.0  # at a topic to which nothing is published
_LOOK_TIMEOUT_S = 2.0
_SURE_AFTER_S = 1.0  # a message may be on its way, and a topic that the node loads again is without us for a moment
_FIRST_BLIND_S = 9.0
_LONGEST_S = 60.0


class Silence:
    """Gives up the session of an exclusive consumer when nothing comes through it that should.

    Where the admin API does not answer us, a silent session is opened again now and then: after 9 s, and then after
    pauses that grow to a minute. A durable subscription loses nothing by that, and another one at most what is
    published within the moment that it takes.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._open = contextlib.AsyncExitStack()
        self._admin: Admin | None = None
        self._before: Holdings | None = None
        self._seen_bytes = 0
        self._quiet_since_s = time.monotonic()
        self._look_at_s = self._quiet_since_s + _FIRST_LOOK_S
        self._retry_s, self._blind_s = _LOOK_S, _FIRST_BLIND_S
        # A backlog that a new session did not deliver either, such as parts of a message that was never completed.
        self._undeliverable = 0

    async def run(self) -> None:
        """Look after the consumer, for ever."""
        async with self._open:
            while True:
                await asyncio.sleep(_TICK_S)
                if self._has_come():
                    self._all_is_well()
                elif self._consumer.is_connected and time.monotonic() >= self._look_at_s:
                    self._look_at_s = time.monotonic() + _LOOK_S
                    await self._look()

    def _has_come(self) -> bool:
        """Return whether anything of a message came since the last call; a new session begins to count at 0."""
        seen_bytes, self._seen_bytes = self._seen_bytes, self._consumer.session_bytes
        return self._seen_bytes not in (0, seen_bytes)

    def _all_is_well(self) -> None:
        self._consumer.stalled_because, self._before, self._undeliverable = "", None, 0
        self._quiet_since_s = time.monotonic()
        self._look_at_s = self._quiet_since_s + _FIRST_LOOK_S
        self._retry_s, self._blind_s = _LOOK_S, _FIRST_BLIND_S

    async def _look(self) -> None:
        try:
            now = await self._holdings()
            if reason := self._reason(now):
                await asyncio.sleep(_SURE_AFTER_S)
                now = await self._holdings()
                reason = self._reason(now)
        except (TopicNotFound, NamespaceNotFound) as error:  # no other session would open now
            self._before = None
            self._stall(str(error))
        except PulsarError as error:
            logger.debug("whether a message should come is not known: %s", error)
            await self._open_again_blindly()
        else:
            if not self._has_come():
                await self._judge(reason, now)

    async def _holdings(self) -> Holdings:
        """Return what the node has for us, in all topics."""
        if not self._admin:
            self._admin = await self._open.enter_async_context(Admin(self._consumer.endpoint, _LOOK_TIMEOUT_S))
        name = self._consumer.subscription
        return Holdings.total([Holdings.of(await self._admin.stats(topic), name) for topic in self._consumer.topics])

    def _reason(self, now: Holdings) -> str:
        """Return why something should have come; empty if that is not known."""
        if not now.has_us:
            return "the node has lost our subscription"
        if self._consumer.owes_acks or not self._before:
            return ""
        if now.published > self._before.published:
            return "messages are published, and none comes"
        if now.backlog > self._undeliverable and now.backlog >= self._before.backlog:
            return f"{now.backlog} messages wait for us, and none comes"
        return ""

    async def _judge(self, reason: str, now: Holdings) -> None:
        if reason:
            self._stall(reason)
            self._undeliverable, self._before = now.backlog, None
            self._look_at_s = time.monotonic() + self._retry_s
            self._retry_s = min(self._retry_s * 2, _LONGEST_S)
            await self._consumer.give_up_session(reason)
            return
        if self._before:
            self._consumer.stalled_because = ""
            self._look_at_s = time.monotonic() + _IDLE_LOOK_S
        self._before = now

    def _stall(self, reason: str) -> None:
        if not self._consumer.stalled_because:
            logger.warning("stalled: %s", reason)
        self._consumer.stalled_because = reason

    async def _open_again_blindly(self) -> None:
        now_s = time.monotonic()
        if not self._consumer.owes_acks and now_s - self._quiet_since_s >= self._blind_s:
            self._quiet_since_s = now_s
            self._blind_s = min(self._blind_s * 2, _LONGEST_S)
            await self._consumer.reopen()
