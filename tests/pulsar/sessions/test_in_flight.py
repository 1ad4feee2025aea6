"""The window of messages in flight, without a server: what a receipt means, and when a session is of no more use."""

from __future__ import annotations

import time

import pytest

from pulsar_cam.errors import MessageRejected, TopicTerminated
from pulsar_cam.frame import Packet
from pulsar_cam.pulsar.messages.wire import Receipt
from pulsar_cam.pulsar.sessions.in_flight import DISCONNECTED, InFlight, in_flight_on

TOPIC = "persistent://public/default/cam"
REFUSED = "TimeoutException"


class Clock:
    """A monotonic clock that a test sets; the wall clock stays what it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def packet(sequence: int) -> Packet:
    return Packet(b"jpeg", 1, 1, captured_at_ns=0, sequence=sequence)


def filled(count: int, *, resends: bool = False) -> tuple[InFlight, list[Receipt]]:
    """Messages 0 to `count` - 1 in flight, and the receipts that they get."""
    messages, settled = InFlight(TOPIC, resends=resends), list[Receipt]()
    for number in range(count):
        messages.add(packet(number), settled.append)
    return messages, settled


def contexts(messages: InFlight) -> list[str]:
    return [message.context for message in messages.messages]


@pytest.mark.parametrize(
    ("ping_s", "fps", "window"),
    [(0.0, 30, 4), (0.03, 30, 4), (0.1, 30, 6), (0.2, 20, 7), (0.2, 60, 15), (3.0, 240, 64)],
)
def test_the_window_holds_what_is_on_its_way_in_one_round_trip(ping_s: float, fps: float, window: int) -> None:
    assert in_flight_on(ping_s, fps) == window


def test_the_window_follows_the_rate_and_the_link(clock: Clock) -> None:
    messages, _ = filled(0)
    for number in range(90):
        clock.now_s += 1 / 30
        messages.add(packet(number), lambda _: None, ping_s=0.2)
        messages.settle(Receipt(str(number), message_id="CAAQ"))
    assert messages.window == pytest.approx(9, abs=1)


@pytest.mark.parametrize(
    ("per_second", "window", "resends"), [(5, 1, False), (10, 2, False), (30, 4, False), (5, 4, True)]
)
def test_the_window_shrinks_to_what_a_slow_topic_takes_in_a_quarter_of_a_second(
    clock: Clock, per_second: int, window: int, resends: bool
) -> None:
    messages = InFlight(TOPIC, resends=resends)
    sent = 0
    for done in range(60):
        while not messages.is_full:
            messages.add(packet(sent), lambda _: None, ping_s=0.001)
            sent += 1
        clock.now_s += 1 / per_second
        messages.settle(Receipt(str(done), message_id="CAAQ"))
    assert messages.window == pytest.approx(window, abs=1 if per_second == 10 else 0)
    for done in range(60, 90):
        while not messages.is_full:
            messages.add(packet(sent), lambda _: None, ping_s=0.001)
            sent += 1
        clock.now_s += 0.03
        messages.settle(Receipt(str(done), message_id="CAAQ"))
    assert messages.window == 4


def test_it_is_full_when_the_window_is() -> None:
    messages, _ = filled(3)
    assert not messages.is_full
    messages.add(packet(3), lambda _: None)
    assert messages.is_full
    assert len(messages) == 4


def test_a_receipt_settles_its_message_once_whatever_the_order(clock: Clock) -> None:
    messages, settled = filled(3)
    clock.now_s += 0.25
    for context in ("2", "2", "0", "of another", None):
        messages.settle(Receipt(context, message_id="CAAQ"))
    assert [receipt.context for receipt in settled] == ["2", "0"]
    assert contexts(messages) == ["1"]
    assert messages.accepted == 2
    for receipt in settled:
        assert receipt.sent_at_ns
        assert receipt.received_at_ns == receipt.sent_at_ns + 250_000_000


def test_how_long_receipts_took_is_kept_and_the_shortest_known(clock: Clock) -> None:
    messages, _ = filled(3)
    assert messages.receipt_ns is None
    for number in range(3):
        clock.now_s += 1.0
        messages.settle(Receipt(str(number), message_id="CAAQ"))
    assert messages.receipt_ns == 1_000_000_000
    assert messages.last_receipts_ns(2) == [2_000_000_000, 3_000_000_000]
    assert messages.last_receipts_ns(0) == []


def test_the_oldest_is_the_one_that_was_sent_first(clock: Clock) -> None:
    messages, _ = filled(1)
    clock.now_s += 2.0
    messages.add(packet(1), lambda _: None)
    clock.now_s += 1.0
    assert messages.oldest_s == 3.0
    messages.settle(Receipt("0", message_id="CAAQ"))
    assert messages.oldest_s == 1.0
    messages.settle(Receipt("1", message_id="CAAQ"))
    assert messages.oldest_s == 0.0


def test_a_message_may_be_left_out_unless_all_are_resent() -> None:
    messages, settled = filled(2)
    messages.settle(Receipt("0", problem="no more", failure=REFUSED))
    assert [receipt.problem for receipt in settled] == ["no more"]
    assert messages.reason_to_give_up == ""
    assert not messages.end_session()
    assert [receipt.problem for receipt in settled] == ["no more", DISCONNECTED]
    assert messages.accepted == 0


def test_what_is_resent_stays_in_its_order_until_each_is_accepted() -> None:
    messages, settled = filled(3, resends=True)
    messages.settle(Receipt("1", message_id="CAAQ"))
    assert not messages.end_session()
    assert (contexts(messages), messages.next_number) == (["0", "2"], 0)
    for context in ("0", "2"):
        messages.settle(Receipt(context, message_id="CAAQ"))
    assert [receipt.accepted for receipt in settled] == [True] * 3
    assert messages.next_number == 3


def test_a_refused_message_waits_for_the_receipts_of_the_others_and_then_for_a_session_of_another_name(
    clock: Clock,
) -> None:
    messages, settled = filled(3, resends=True)
    messages.settle(Receipt("0", problem="no more", failure=REFUSED))
    assert messages.is_refused
    assert messages.reason_to_give_up == ""
    messages.settle(Receipt("1", message_id="CAAQ"))
    clock.now_s += 1.1
    assert messages.reason_to_give_up == "a frame was not taken: no more"
    assert messages.end_session()
    assert contexts(messages) == ["0", "2"]
    assert not messages.is_refused
    assert len(settled) == 1


def test_the_last_message_that_is_refused_ends_the_session_at_once() -> None:
    messages, _ = filled(1, resends=True)
    messages.settle(Receipt("0", problem="no more", failure=REFUSED))
    assert "no more" in messages.reason_to_give_up


def test_a_receipt_that_stays_out_ends_the_session(clock: Clock) -> None:
    messages, _ = filled(1)
    clock.now_s += 39.0
    assert messages.reason_to_give_up == ""
    clock.now_s += 2.0
    assert messages.reason_to_give_up == "no receipt for 41 s"


def test_refusals_in_a_row_end_the_session_but_not_those_of_messages_at_fault(clock: Clock) -> None:
    for failure, reason in (("AlreadyClosedException", "no message is accepted: no more"), ("", "")):
        messages, settled = filled(30)
        for number in range(30):
            clock.now_s += 0.1
            messages.settle(Receipt(str(number), problem="no more", failure=failure))
        assert len(settled) == 30
        assert messages.why_stalled == messages.reason_to_give_up == reason


@pytest.mark.parametrize("failure", ["", "InvalidMessageException", "NotAllowedException", "AuthorizationException"])
def test_what_no_second_try_can_change_is_an_error_if_no_message_may_be_left_out(failure: str) -> None:
    messages, _ = filled(1, resends=True)
    with pytest.raises(
        MessageRejected, match="frame 0 cannot be published to persistent://public/default/cam: too large"
    ):
        messages.settle(Receipt("0", problem="too large", failure=failure))


@pytest.mark.parametrize("resends", [True, False])
def test_a_terminated_topic_is_an_error(resends: bool) -> None:
    messages, settled = filled(1, resends=resends)
    with pytest.raises(TopicTerminated):
        messages.settle(Receipt("0", problem="terminated", failure="TopicTerminatedException"))
    messages.settle_all()
    assert [receipt.problem for receipt in settled] == [DISCONNECTED]


def test_a_text_that_is_too_long_is_an_error_only_if_no_message_may_be_left_out() -> None:
    filled(1)[0].take_as_too_long()
    filled(0, resends=True)[0].take_as_too_long()
    with pytest.raises(MessageRejected, match="its text is too long"):
        filled(1, resends=True)[0].take_as_too_long()
