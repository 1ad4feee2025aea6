"""What is read out of a broker's statistics; the statistics are made by hand, as a 4.0.8 node gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.monitor.looks import topic as topic_look
from pulsar_cam.monitor.looks.topic import TopicLook
from pulsar_cam.monitor.view import TopicView
from pulsar_cam.pulsar.topics import Topic

TOPIC = Topic.parse("cam")


class Told:
    """Gives statistics, one after another, each a second after the one before."""

    def __init__(self, answers: Sequence[dict[str, Any]]) -> None:
        self._answers = iter(answers)

    async def stats(self, topic: Topic) -> dict[str, Any]:
        return next(self._answers)

    async def read(self, path: str, topic: Topic) -> None:
        return None


def subscription(backlog: int, delivered: int = 0, consumers: int = 1) -> dict[str, Any]:
    connected = [{"consumerName": str(number)} for number in range(consumers)]
    counters = {"msgOutCounter": delivered, "bytesOutCounter": 100 * delivered}
    return {"consumers": connected, "msgBacklog": backlog, "isDurable": False, **counters}


def looks(monkeypatch: pytest.MonkeyPatch | None, *answers: dict[str, Any]) -> tuple[TopicLook, list[TopicView]]:
    look = TopicLook(Told(answers), TOPIC)  # type: ignore[arg-type]
    seconds = iter(range(1, 100))

    async def main() -> list[TopicView]:
        return [await look.round() for _ in answers]

    if monkeypatch:
        monkeypatch.setattr(topic_look, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    return look, asyncio.run(main())


def test_rates_are_of_the_counters_and_without_our_own_share(monkeypatch: pytest.MonkeyPatch) -> None:
    def stats(messages: int) -> dict[str, Any]:
        ours = {"pulsar-cam-monitor-0": subscription(0, messages)}
        return {
            "publishers": [{}],
            "msgInCounter": messages,
            "bytesInCounter": 1000 * messages,
            "storageSize": 5000,
            "backlogSize": 400,
            "backlogQuotaLimitSize": 1000,
            "subscriptions": {"viewer1": subscription(3, messages)} | ours,
        }

    _, views = looks(monkeypatch, stats(100), stats(130))
    assert (views[0].in_per_s, views[0].out_per_s) == (0.0, 0.0)
    assert (views[1].publishers, views[1].consumers, views[1].in_per_s, views[1].in_bytes_per_s) == (1, 1, 30, 30_000)
    assert (views[1].out_per_s, views[1].out_bytes_per_s) == (30, 3000)
    assert (views[1].storage_bytes, views[1].backlog_bytes, views[1].backlog_limit_bytes) == (5000, 400, 1000)
    assert [each.name for each in views[1].subscriptions] == ["viewer1"]


def test_a_topic_that_was_loaded_anew_has_no_negative_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    _, views = looks(monkeypatch, {"msgInCounter": 1000}, {"msgInCounter": 5})
    assert views[1].in_per_s == 0.0


@pytest.mark.parametrize(
    ("backlogs", "consumers", "growing"),
    [
        ((0, 20, 40, 60), 1, ("viewer1",)),
        ((0, 20, 40, 40), 1, ()),
        ((0, 1, 2, 3), 1, ()),
        ((0, 20, 40, 60), 0, ()),
        ((20, 40, 60), 1, ()),
    ],
)
def test_a_backlog_that_grows_with_a_viewer_connected(
    monkeypatch: pytest.MonkeyPatch, backlogs: Sequence[int], consumers: int, growing: tuple[str, ...]
) -> None:
    answers = [{"subscriptions": {"viewer1": subscription(each, consumers=consumers)}} for each in backlogs]
    assert looks(monkeypatch, *answers)[0].growing == growing


def test_what_has_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    look, _ = looks(monkeypatch, {"subscriptions": {"viewer1": subscription(1)}}, {"subscriptions": {}})
    assert look._backlogs == {}


@pytest.mark.parametrize(("metadata", "partitions"), [({"partitions": 3}, 3), ({}, 0), (None, 0), ([3], 0)])
def test_only_a_partitioned_topic_has_metadata(metadata: object, partitions: int) -> None:
    assert looks(None, {"metadata": metadata})[1][0].partitions == partitions


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["publishers", "msgInCounter", "bytesInCounter", "storageSize", "backlogSize", "subscriptions"]
)


@given(st.lists(st.dictionaries(fields, json, max_size=6), min_size=2, max_size=3))
def test_what_is_no_statistics_of_pulsars_breaks_nothing(answers: list[dict[str, Any]]) -> None:
    for view in looks(None, *answers)[1]:
        assert view.in_per_s >= 0
        assert view.publishers >= 0


@given(st.dictionaries(st.text(max_size=5), st.dictionaries(st.sampled_from(["consumers", "msgBacklog"]), json)))
def test_nor_does_what_is_no_subscription(subscriptions: dict[str, Any]) -> None:
    views = looks(None, {"subscriptions": subscriptions}, {"subscriptions": subscriptions})[1]
    assert views[1].consumers >= 0
