"""When a silent consumer's session is given up, opened again or left alone, by what the node says of its topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pulsar_cam.errors import NotAuthorized, PulsarError, TopicNotFound
from pulsar_cam.pulsar.admin.holdings import Holdings
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions import silence
from pulsar_cam.pulsar.sessions.silence import Silence
from pulsar_cam.pulsar.topics import Topic

TOPIC = Topic.parse("cam")
Stats = Callable[[int], dict[str, Any]]


def stats(published: int, backlog: int = 0, consumers: int = 1) -> dict[str, Any]:
    ours = {"msgBacklog": backlog, "consumers": [{}] * consumers}
    return {"msgInCounter": published, "subscriptions": {"viewer1": ours}}


class FakeConsumer:
    endpoint, topics, subscription, is_connected = Endpoint.of(), (TOPIC,), "viewer1", True

    def __init__(self, *, owes_acks: bool = False, comes: bool = False) -> None:
        self.stalled_because, self.owes_acks = "", owes_acks
        self.given_up: list[str] = []
        self.reopened = 0
        self._bytes, self._comes = 0, comes

    @property
    def session_bytes(self) -> int:
        self._bytes += self._comes
        return self._bytes

    async def give_up_session(self, reason: str) -> None:
        self.given_up.append(reason)

    async def reopen(self) -> None:
        self.reopened += 1


def watched(monkeypatch: pytest.MonkeyPatch, consumer: FakeConsumer, said: Callable[[int], object]) -> int:
    """Watch a consumer for 100 ticks, while the node says `said(1)`, `said(2)` ...; return how often it was asked."""
    asked = 0

    class FakeAdmin:
        def __init__(self, *_: object) -> None: ...

        async def __aenter__(self) -> FakeAdmin:
            return self

        async def __aexit__(self, *_: object) -> None: ...

        async def stats(self, topic: Topic) -> object:
            nonlocal asked
            asked += 1
            answer = said(asked)
            if isinstance(answer, PulsarError):
                raise answer
            return answer

    monkeypatch.setattr(silence, "Admin", FakeAdmin)
    for name in (
        "_TICK_S",
        "_FIRST_LOOK_S",
        "_LOOK_S",
        "_IDLE_LOOK_S",
        "_SURE_AFTER_S",
        "_FIRST_BLIND_S",
        "_LONGEST_S",
    ):
        monkeypatch.setattr(silence, name, getattr(silence, name) / 100)

    async def main() -> None:
        living = asyncio.create_task(Silence(consumer).run())  # type: ignore[arg-type]
        await asyncio.wait([living], timeout=0.5)
        assert not living.done()
        living.cancel()

    asyncio.run(main())
    return asked


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (lambda n: stats(10 * n), "messages are published, and none comes"),
        (lambda n: stats(10, consumers=0), "the node has lost our subscription"),
        (lambda n: {"msgInCounter": 5, "subscriptions": {"another": {}}}, "the node has lost our subscription"),
        (lambda n: {}, "the node has lost our subscription"),
        (lambda n: stats(10, backlog=7), "7 messages wait for us, and none comes"),
    ],
)
def test_a_session_is_given_up_when_something_should_come(
    monkeypatch: pytest.MonkeyPatch, said: Stats, reason: str
) -> None:
    consumer = FakeConsumer()
    watched(monkeypatch, consumer, said)
    assert consumer.given_up[0] == reason
    assert consumer.stalled_because == reason or "wait for us" in reason
    assert len(consumer.given_up) <= 5  # the pauses grow


@pytest.mark.parametrize(
    ("said", "options"),
    [
        (lambda n: stats(10), {}),
        (lambda n: stats(10 * n), {"comes": True}),
        (lambda n: stats(10 * n, backlog=n), {"owes_acks": True}),
        (lambda n: stats(10, backlog=max(0, 1000 - n)), {}),  # a slow link
        (lambda n: stats(100 - n), {}),  # loaded again: it counts from 0
        (lambda n: stats(10, consumers=n % 2), {}),  # gone for a moment only
    ],
)
def test_a_session_is_left_alone_when_all_may_be_well(
    monkeypatch: pytest.MonkeyPatch, said: Stats, options: dict[str, bool]
) -> None:
    consumer = FakeConsumer(**options)
    watched(monkeypatch, consumer, said)
    assert consumer.given_up == []
    assert consumer.stalled_because == ""


def test_a_backlog_that_another_session_did_not_deliver_either_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = FakeConsumer()
    watched(monkeypatch, consumer, lambda n: stats(10, backlog=7))
    assert len(consumer.given_up) == 1
    assert consumer.stalled_because == ""


def test_while_the_topic_is_gone_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = FakeConsumer()
    watched(monkeypatch, consumer, lambda n: TopicNotFound("cam"))
    assert consumer.given_up == []
    assert "does not exist" in consumer.stalled_because


@pytest.mark.parametrize(("options", "reopened"), [({}, 2), ({"owes_acks": True}, 0), ({"comes": True}, 0)])
def test_without_the_right_to_ask_a_silent_session_is_opened_again_after_pauses_that_grow(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, bool], reopened: int
) -> None:
    consumer = FakeConsumer(**options)
    watched(monkeypatch, consumer, lambda n: NotAuthorized("read the statistics"))
    assert consumer.reopened <= reopened
    assert bool(consumer.reopened) == bool(reopened)
    assert (consumer.given_up, consumer.stalled_because) == ([], "")


def test_several_topics_hold_together_what_each_of_them_holds() -> None:
    one, other = Holdings.of(stats(5, 2), "viewer1"), Holdings.of(stats(7, 1, consumers=0), "viewer1")
    assert Holdings.total([one, other]) == Holdings(12, 3, has_us=False)


def test_statistics_that_are_none_hold_nothing() -> None:
    odd: list[dict[str, Any]] = [
        {"subscriptions": []}, {"subscriptions": {"viewer1": 3}}, {"msgInCounter": "x"}, {"msgInCounter": -1},
    ]  # fmt: skip
    for each in odd:
        assert Holdings.of(each, "viewer1") == Holdings(0, 0, has_us=False)
