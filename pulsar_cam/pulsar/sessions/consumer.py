"""Receiving messages through a subscription."""

from __future__ import annotations

import enum
import logging
from collections.abc import Sequence

from ...errors import InvalidOption, PulsarError, RequestRejected
from ...frame import Frame, Packet
from ..admin.admin import Admin
from ..endpoint import Endpoint
from ..messages.wire import Delivery, ack_text, nack_text
from ..target import Target
from ..topics import Topic, TopicPattern, check_subscription
from .receiving import Receiving

logger = logging.getLogger(__name__)

# Else the node keeps what is encrypted from us, and it stays in the backlog for ever.
TAKE_ENCRYPTED = {"cryptoFailureAction": "CONSUME"}
_SKIP_TIMEOUT_S = 2.0


class SubscriptionType(enum.Enum):
    """Which of the consumers of a subscription gets a message."""

    EXCLUSIVE = "Exclusive"  # the only one
    SHARED = "Shared"  # one after the other, in no order
    FAILOVER = "Failover"  # the first, and another one when it is gone
    KEY_SHARED = "Key_Shared"  # the one that got the key's last message, in order


class Consumer(Receiving):
    """A consumer session that opens again whenever it closes.

    Use it as an async context manager and iterator; a session stops after `receiver_queue` deliveries without an ack.
    That is RECEIVER_QUEUE, or more on a link whose round trip is so long that acks would come too late::

        async with Consumer(Endpoint.of(), Topic.parse("video-stream"), "viewer1") as consumer:
            async for delivery in consumer:
                await consumer.ack(delivery)

    A subscription is not durable unless asked: it is gone when its consumer is, and nothing is kept for it. One that
    exists as a durable subscription already is used as it is. After a reconnection a durable one delivers again what
    was not acknowledged; the other kind goes on with what is published from then on.

    Args:
        topic: one, several, or a `TopicPattern`, which also takes in topics that are created later. A message does
            not say which of them it comes from; a frame says which source.
        kind: which consumer of the subscription gets a message.
        redelivery_delay_s: after how many seconds `nack` has a message delivered again; None for Pulsar's 60 s.
        fits_queue: measure the link first, and fit `receiver_queue` to it; of no use where messages come one by one.
        log: where interruptions of the session are logged; by default, where `Connection` logs.

    Raises:
        InvalidOption: a name that cannot be one, or no topic.

    Attributes:
        is_durable: whether the subscription outlives this consumer.
        jumps: how often what Pulsar held for us was skipped.
        stalled_because: why nothing comes though it should, as `Silence` found; empty while all is well.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        topic: Topic | Sequence[Topic],
        subscription: str,
        *,
        durable: bool = False,
        kind: SubscriptionType = SubscriptionType.EXCLUSIVE,
        redelivery_delay_s: float | None = None,
        fits_queue: bool = True,
        log: logging.Logger | None = None,
    ) -> None:
        self.is_durable = durable
        self.jumps = 0
        self.stalled_because = ""
        self._unacknowledged: set[str] = set()
        self._topics = (topic,) if isinstance(topic, Topic) else _several(topic)
        self._subscription, self._names = check_subscription(subscription), 1
        self._kind, self._redelivery_delay_s = kind, redelivery_delay_s
        super().__init__(endpoint, fits_queue=fits_queue, log=log)

    @property
    def endpoint(self) -> Endpoint:
        """Where Pulsar is."""
        return self._endpoint

    @property
    def topics(self) -> tuple[Topic, ...]:
        """What is subscribed to."""
        return self._topics

    @property
    def subscription(self) -> str:
        """Its name, which has a number behind it while the node holds the one before for a session that was lost."""
        return self._subscription if self._names == 1 else f"{self._subscription}-{self._names}"

    @property
    def is_stalled(self) -> bool:
        """Whether nothing comes through an open session, though it should; `status` then begins with "stalled"."""
        return bool(self.stalled_because) and self.is_connected

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        return f"stalled: {self.stalled_because}" if self.is_stalled else super().status

    @property
    def owes_acks(self) -> bool:
        """Whether there are deliveries of this session that were not acknowledged, for which Pulsar may wait."""
        return bool(self._unacknowledged)

    @property
    def session_bytes(self) -> int:
        """How many bytes of messages came on this session; they grow while one comes."""
        return self._connection.session_bytes

    def _target(self) -> Target:
        name = self.subscription
        return Target(
            url=self._endpoint.consumer_url(self._topics, name, **self._parameters()),
            node=self._endpoint.ws_url,
            action=f"subscribe to {', '.join(map(str, self._topics))}",
            topics=self._topics,
            permission="consume",
            name=f"subscription {name!r}",
        )

    def _parameters(self) -> dict[str, str | int]:
        parameters: dict[str, str | int] = {"receiverQueueSize": self.receiver_queue, **TAKE_ENCRYPTED}
        if not self.is_durable:
            parameters["subscriptionMode"] = "NonDurable"
        if self._kind is not SubscriptionType.EXCLUSIVE:
            parameters["subscriptionType"] = self._kind.value
        if self._redelivery_delay_s is not None:
            parameters["negativeAckRedeliveryDelay"] = round(self._redelivery_delay_s * 1000)
        return parameters

    def _target_of_another_name(self) -> Target:
        """Return what to open while the node holds our subscription for a session that was lost.

        A durable one is worth the wait: what it missed is kept under its name. One of several consumers stays theirs.
        """
        if not self.is_durable and self._kind is SubscriptionType.EXCLUSIVE:
            self._names += 1
        return self._target()

    async def open(self) -> None:
        """Open the session.

        Raises:
            PulsarError: the node cannot be reached, or refuses; NameInUse if another consumer has the subscription.
        """
        try:
            await super().open()
        except RequestRejected as error:
            if self.is_durable or "Durable subscription" not in error.reason:
                raise
            logger.info("subscription %r is durable already and is used as it is", self._subscription)
            self.is_durable = True
            self._connection.target = self._target()
            await super().open()

    async def ack(self, delivery: Delivery | Packet | Frame) -> None:
        """Acknowledge a delivery; without effect once its session is closed, as Pulsar then delivers it again."""
        self._unacknowledged.discard(delivery.message_id)
        await self._say(ack_text(delivery))

    async def nack(self, delivery: Delivery | Packet | Frame) -> None:
        """Have a delivery come again after `redelivery_delay_s`, here or at another consumer of the subscription."""
        await self._say(nack_text(delivery))

    async def reopen(self) -> None:
        """Go on with another session, without counting or logging it."""
        await self._connection.reopen()

    async def give_up_session(self, reason: str) -> None:
        """Take the session for lost, for that reason, and go on with the next one."""
        await self._connection.give_up_session(reason)

    async def _begin(self) -> None:
        self._unacknowledged.clear()  # Pulsar delivers it again

    def _wants(self, delivery: Delivery) -> bool:
        self._unacknowledged.add(delivery.message_id)
        return True

    async def jump_to_live(self) -> None:
        """Skip what Pulsar holds for us, and go on with what is published from now on.

        A subscription that is not durable begins again, on the next session. From a durable one the admin API takes
        the backlog; without that API it stays, and so it does with a pattern of topics.
        """
        self.jumps += 1
        if self.is_durable:
            await self._skip_backlog()
        else:
            self._websocket = None
            await self._connection.reopen()

    async def _skip_backlog(self) -> None:
        if isinstance(self._topics[0], TopicPattern):
            logger.warning(
                "the backlog of subscription %r is that of many topics, and was not skipped", self._subscription
            )
            return
        try:
            async with Admin(self._endpoint, _SKIP_TIMEOUT_S) as admin:
                for topic in self._topics:
                    await admin.skip_backlog(topic, self._subscription)
        except PulsarError as error:
            logger.warning("the backlog of subscription %r was not skipped: %s", self._subscription, error)


def _several(topics: Sequence[Topic]) -> tuple[Topic, ...]:
    if not topics or any("," in topic.name for topic in topics):
        raise InvalidOption("topic", f"of {len(topics)} topics", "expected one or more, without a comma in a name")
    return tuple(topics)
