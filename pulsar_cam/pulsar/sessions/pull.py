"""Receiving messages one by one, each only when it is wanted."""

from __future__ import annotations

from ...errors import InvalidOption
from ..messages.wire import Delivery, permit_text
from .consumer import Consumer


class PullConsumer(Consumer):
    """A consumer to which nothing is pushed: a message comes for each that is asked for with `pull`, acks or not.

    ::

        async with PullConsumer(Endpoint.of(), Topic.parse("video-stream"), "worker") as consumer:
            await consumer.pull(1)
            async for delivery in consumer:
                ...
                await consumer.ack(delivery)
                await consumer.pull(1)
    """

    _asked = 0

    async def pull(self, messages: int) -> None:
        """Ask for this number of messages more; what has not come when a session ends is asked for on the next one.

        Raises:
            InvalidOption: less than one.
        """
        if messages < 1:
            raise InvalidOption("messages", messages, "expected 1 or more")
        self._asked += messages
        await self._say(permit_text(messages))

    def _parameters(self) -> dict[str, str | int]:
        return {**super()._parameters(), "pullMode": "true"}

    async def _begin(self) -> None:
        await super()._begin()
        if self._asked:
            await self._say(permit_text(self._asked))

    def _wants(self, delivery: Delivery) -> bool:
        self._asked = max(0, self._asked - 1)
        return super()._wants(delivery)
