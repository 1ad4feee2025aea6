"""Names that Pulsar takes and that a URL changes, and what shows whose topic or subscription a call has reached."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

import pulsar

from pulsar_cam.errors import InvalidOption
from pulsar_cam.health.commands import Commands
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.admin.http import Http
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic

from .streams import http_of, new_topic, packets

_PIECES = (
    *"ab+%./~;?#&=:@!$*'\"<>[]{}|^`\\, üé\U0001f3a5",
    *("..", "%2B", "%2b", "%20", "%25", "%252B", "%2F", "%2E%2E", "%00", "%u0041", "%C3", "//", "skip_all"),
)
_TTL_S = 77


def odd_names(seed: int, count: int) -> Iterator[str]:
    """Yield names of one to five pieces, none of them twice."""
    random, seen = Random(seed), set[str]()
    while len(seen) < count:
        name = "".join(random.choices(_PIECES, k=random.randint(1, 5)))
        if name.strip() and name not in seen:
            seen.add(name)
            yield name


def with_neighbours(name: str) -> list[str]:
    """Return a name, and those that it becomes where it is decoded or encoded once too often."""
    all_of_them = {
        unquote(name),
        unquote_plus(name),
        unquote_plus(unquote_plus(name)),
        quote(name, safe=""),
        quote(quote(name, safe=""), safe=""),
        name.strip(),
    }
    usable = {each for each in all_of_them - {name} if each.strip() and each.isprintable() and "\ufffd" not in each}
    return [name, *sorted(usable)]


async def touched_subscriptions(endpoint: Endpoint, client: pulsar.Client, name: str) -> list[str]:
    """Skip the backlog of a subscription that has neighbours, then delete it; return what else was touched."""
    topic = new_topic()
    _subscribe(client, topic, with_neighbours(name))
    async with Admin(endpoint) as admin:
        before = await _backlogs(admin, topic)
        await admin.skip_backlog(topic, name)
        skipped = await _backlogs(admin, topic)
        url = shlex.split(Commands(endpoint, topic).delete_subscription(name))[-1]
        async with http_of(endpoint) as http:
            answer = await http.send("DELETE", url.removeprefix(f"{endpoint.admin_url}/admin/v2"))
        deleted = await _backlogs(admin, topic)
    expected = before | {name: 0}
    wrong = [f"skip of {name!r}: {before} became {skipped}"] if skipped != expected else []
    del expected[name]
    if answer.status_code != 204 or deleted != expected:
        wrong.append(f"delete of {name!r}: {answer.status_code}, {skipped} became {deleted}")
    return wrong


def _subscribe(client: pulsar.Client, topic: Topic, names: list[str]) -> None:
    """Leave subscriptions with one message before each, by the native client, which has no URLs."""
    for name in names:
        client.subscribe(str(topic), name).close()
    producer = client.create_producer(str(topic))
    producer.send(b"x")
    producer.close()


@contextlib.contextmanager
def native_client(broker_url: str) -> Iterator[pulsar.Client]:
    """Connect Pulsar's own client."""
    client = pulsar.Client(broker_url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    yield client
    client.close()


async def _backlogs(admin: Admin, topic: Topic) -> dict[str, int]:
    found: dict[str, Any] = (await admin.stats(topic))["subscriptions"]
    return {name: int(each["msgBacklog"]) for name, each in found.items()}


async def touched_topics(endpoint: Endpoint, name: str) -> list[str]:
    """Publish to a topic that has neighbours, and set limits on it; return which other topics have got any of it."""
    family = new_topic().name  # in which no neighbour is another test's topic
    topics = [topic for each in with_neighbours(name) for topic in _usable(f"{family}{each}")]
    if not topics or topics[0].name != f"{family}{name}":
        return []
    async with Admin(endpoint) as admin:
        for topic in topics:
            await admin.create_topic(topic)
        async with Producer(endpoint, topics[0]) as producer:
            await (await producer.send(packets(1)[0]))
        await admin.set_ttl(topics[0], _TTL_S)
        await admin.set_backlog_limit(topics[0], 1_000_000)
        await admin.set_retention(topics[0], 7, 77)
        async with http_of(endpoint) as http:
            seen = [await _seen_on(admin, http, topic) for topic in topics]
    expected = [[1, _TTL_S, 7, 1_000_000], *([0, None, None, None] for _ in topics[1:])]
    return [
        f"{topic.name!r} after calls for {name!r}: {got}, not {wanted}"
        for topic, got, wanted in zip(topics, seen, expected, strict=True)
        if got != wanted
    ]


def _usable(name: str) -> list[Topic]:
    try:
        return [Topic.parse(f"public/default/{name}")]
    except InvalidOption:
        return []


async def _seen_on(admin: Admin, http: Http, topic: Topic) -> list[int | None]:
    """Return the messages that a topic got, and its own limits; None where it has none."""
    ttl = await http.call("GET", f"/{topic.path}/messageTTL", "read the time to live")
    retention = await http.call("GET", f"/{topic.path}/retention", "read the retention")
    quota = (await admin.backlog_quotas(topic, applied=False)).get("destination_storage") or {}
    return [
        int((await admin.stats(topic))["msgInCounter"]),
        int(ttl.text) if ttl.text else None,
        retention.json()["retentionTimeInMinutes"] if retention.text else None,
        quota.get("limitSize"),
    ]
