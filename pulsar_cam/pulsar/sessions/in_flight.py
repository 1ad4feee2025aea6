"""The messages of a producer that wait for their receipt: how many may, and what a receipt means. No sockets."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from ...errors import MessageRejected, TopicTerminated
from ...frame import Packet
from ...measure.rates import Rate
from ..messages.wire import Receipt
from .acceptance import Acceptance

USUAL_IN_FLIGHT = 4
MOST_IN_FLIGHT = 64
DISCONNECTED = "disconnected"

_MOST_RECEIPT_TIMES = 256
_FIT_EVERY_S = 0.5
_FIT_TO_RECEIPTS = 4
# Of the half second that a live viewer allows a frame.
_MOST_QUEUED_S = 0.25
_REFUSAL_PAUSE_S = 1.0
_TOO_LARGE = "lower `quality` or `size` if it is too large"
_TERMINATED = "TopicTerminatedException"
_FAULTS_OF_THE_MESSAGE = ("", "InvalidMessageException")
# What no second try can change; anything else that the broker says may pass.
_FINAL_FAILURES = (*_FAULTS_OF_THE_MESSAGE, "NotAllowedException", "AuthorizationException")


def in_flight_to_stay_young(window: int, receipt_s: float, ping_s: float) -> int:
    """Return how many messages may be on their way, so that each has its receipt in 250 ms and a ping; at least 1.

    A topic with a limit of messages a second gives a receipt when it is time for one, however many wait: a message of
    a window of 4 is 0.8 s old at 5 a second.
    """
    return max(1, int(window * (_MOST_QUEUED_S + ping_s) / max(receipt_s, 0.001)))


def in_flight_on(ping_s: float, fps: float) -> int:
    """Return how many messages may be on their way at once, at least 4 and at most 64.

    Fewer than frame rate times round trip (Little's law) starve the link, more make pictures old; three are for what
    the node itself takes.
    """
    return min(MOST_IN_FLIGHT, max(USUAL_IN_FLIGHT, math.ceil(fps * ping_s) + 3))


@dataclass(slots=True)
class Message:
    """A message in flight; how long it has been there is not asked of the wall clock, which can be set meanwhile.

    Attributes:
        number: counts the messages of a producer from 0; as text, it is the context that comes back in the receipt.
        settle: is called once, with the receipt.
    """

    number: int
    packet: Packet
    settle: Callable[[Receipt], None]
    sent_at_ns: int = 0
    _sent_at_s: float = 0.0

    @property
    def context(self) -> str:
        """What marks its receipt."""
        return str(self.number)

    def stamp(self) -> None:
        """Note that it is sent now."""
        self.sent_at_ns, self._sent_at_s = time.time_ns(), time.monotonic()

    @property
    def waits_s(self) -> float:
        """How long ago that was, in seconds."""
        return time.monotonic() - self._sent_at_s


class InFlight:
    """Messages in the order in which they were sent, each until its receipt.

    Args:
        topic: as errors name it.
    Attributes:
        resends: whether a message that was not accepted is kept for the next session.
        window: how many messages may wait for their receipt: 4, more on a link with a long round trip, fewer where
            that makes them old, unless all are resent.
        accepted: how many messages were acknowledged.
        link_answers: whether pings are answered promptly, so that what is late is not late because of the link.
    """

    def __init__(self, topic: str, *, resends: bool = False) -> None:
        self.window = USUAL_IN_FLIGHT
        self.accepted = 0
        self.resends = resends
        self.link_answers = False
        self._topic = topic
        self._sent = 0
        self._messages: dict[str, Message] = {}
        self._sends = Rate()
        self._window_fits_until_s = 0.0
        self._receipt_times_ns: deque[int] = deque(maxlen=_MOST_RECEIPT_TIMES)
        self._refusal: Receipt | None = None
        self._refused_at_s = 0.0
        self._acceptance = Acceptance()

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, packet: Packet, settle: Callable[[Receipt], None], ping_s: float = 0.0) -> Message:
        """Return a packet as the message that is sent now; `ping_s` is what the window is fitted to."""
        message = Message(self._sent, packet, settle)
        message.stamp()
        self._sent += 1
        self._messages[message.context] = message
        self._fit_window(ping_s)
        return message

    def _fit_window(self, ping_s: float) -> None:
        self._sends.count()
        if time.monotonic() > self._window_fits_until_s:
            self._window_fits_until_s = time.monotonic() + _FIT_EVERY_S
            window = in_flight_on(ping_s, self._sends.per_second)
            if not self.resends and (last_ns := self.last_receipts_ns(_FIT_TO_RECEIPTS)):
                window = min(window, in_flight_to_stay_young(self.window, statistics.median(last_ns) / 1e9, ping_s))
            self.window = window

    @property
    def is_full(self) -> bool:
        """Whether the node owes as many receipts as it may."""
        return len(self._messages) >= self.window

    @property
    def is_refused(self) -> bool:
        """Whether a message was refused that is to be sent again, so that no other may be sent on this session."""
        return self._refusal is not None

    @property
    def oldest_s(self) -> float:
        """How long the oldest message has waited, in seconds; 0 if none waits."""
        oldest = next(iter(self.messages), None)
        return oldest.waits_s if oldest else 0.0

    @property
    def messages(self) -> tuple[Message, ...]:
        """All of them, the oldest first; for any thread."""
        return tuple(self._messages.values())

    @property
    def next_number(self) -> int:
        """The number of the message that is sent first on a new session."""
        return next((message.number for message in self.messages), self._sent)

    @property
    def receipt_ns(self) -> int | None:
        """The shortest time from sending to receipt, of the last 256 messages; None before the first."""
        return min(self._receipt_times_ns, default=None)

    def last_receipts_ns(self, count: int) -> list[int]:
        """Return the times from sending to receipt of the last `count` acknowledged messages, at most 256."""
        return list(self._receipt_times_ns)[-count:] if count > 0 else []

    def settle(self, receipt: Receipt) -> None:
        """Take a receipt; one of no message in flight is ignored.

        Raises:
            TopicTerminated: no message will be accepted any more.
            MessageRejected: this one will not, and may not be left out.
        """
        message = self._messages.get(receipt.context or "")
        if not message:
            return
        took_ns = round(message.waits_s * 1e9)
        receipt = replace(receipt, sent_at_ns=message.sent_at_ns, received_at_ns=message.sent_at_ns + took_ns)
        if receipt.failure == _TERMINATED:
            raise TopicTerminated(self._topic)
        if not receipt.accepted and receipt.failure not in _FAULTS_OF_THE_MESSAGE:
            self._acceptance.refuse(receipt.problem or "no reason given")
        if self.resends and not receipt.accepted:
            self._keep(message, receipt)
            return
        if receipt.accepted:
            self.accepted += 1
            self._acceptance.accept()
            self._receipt_times_ns.append(took_ns)
        del self._messages[message.context]
        message.settle(receipt)

    def _keep(self, message: Message, receipt: Receipt) -> None:
        """Have a refused message sent again on the next session, if that can help."""
        if receipt.failure in _FINAL_FAILURES:
            raise MessageRejected(
                self._topic, message.packet.sequence, receipt.problem or "no reason given", _TOO_LARGE
            )
        if not self._refusal:
            self._refusal, self._refused_at_s = receipt, time.monotonic()

    @property
    def reason_to_give_up(self) -> str:
        """Why this session is of no more use; empty if it is."""
        if self._refusal:
            # What else is in flight may still be accepted, and is not to be sent again then.
            pauses = len(self._messages) > 1 and time.monotonic() - self._refused_at_s < _REFUSAL_PAUSE_S
            return "" if pauses else f"a frame was not taken: {self._refusal.problem}"
        return self._acceptance.reason_to_give_up(self.oldest_s, link_answers=self.link_answers)

    @property
    def why_stalled(self) -> str:
        """What keeps an open session from being of use, in a few words; empty while it is."""
        return self._acceptance.why_stalled(self.oldest_s, link_answers=self.link_answers)

    def give_up_session(self, reason: str) -> None:
        """Note that the session is given up, for that reason."""
        self._acceptance.give_up(reason)

    def end_session(self) -> bool:
        """Settle what is not sent again, and return whether the next session needs another name.

        It does after a refusal: under the old name, what was sent behind a refused message could make Pulsar take it
        for a duplicate.
        """
        if not self.resends:
            self.settle_all()
        was_refused, self._refusal = self.is_refused, None
        return was_refused

    def settle_all(self) -> None:
        """Give each message a receipt with the problem DISCONNECTED."""
        for message in self.messages:
            del self._messages[message.context]
            message.settle(Receipt(message.context, problem=DISCONNECTED, sent_at_ns=message.sent_at_ns))

    def take_as_too_long(self) -> None:
        """Note that the node closed the session over the oldest message, because its text is too long.

        Raises:
            MessageRejected: it may not be left out.
        """
        if self.resends and self._messages:
            raise MessageRejected(self._topic, self.messages[0].packet.sequence, "its text is too long", _TOO_LARGE)
