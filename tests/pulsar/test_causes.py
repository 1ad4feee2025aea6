"""Why Pulsar refuses: the words of a 4.0.8 node on both of its APIs, and what becomes of each."""

from __future__ import annotations

import json

import pytest

from pulsar_cam.errors import (
    BacklogFull,
    LimitReached,
    NameInUse,
    NamespaceNotFound,
    ProducerExcluded,
    PulsarError,
    RequestRejected,
    TopicNotFound,
    TopicTerminated,
)
from pulsar_cam.pulsar.causes import cause_of
from pulsar_cam.pulsar.refusal import refusal

from ..lab.hostile import assert_showable
from .test_refusal import TARGET, from_broker, page

BROKER = "org.apache.pulsar.broker.service."
TOPIC = "persistent://zoo/barn/cows"
NO_SCHEMA = (
    f"{BROKER}schema.exceptions.IncompatibleSchemaException: Producers cannot connect or send message "
    "without a schema to topics with a schemawhen SchemaValidationEnforced is enabled caused by "
    f"{BROKER}schema.exceptions.IncompatibleSchemaException: Producers cannot connect"
)
SESSIONS: list[tuple[int, str, type[PulsarError], str, bool]] = [
    (409, "Exclusive consumer is already connected", NameInUse, "choose another `subscription`", True),
    (409, "Subscription is of different type. Active subscription type", NameInUse, "of different type", True),
    (409, f"Topic '{TOPIC}' reached max producers limit", LimitReached, f"topic {TOPIC} has reached its", True),
    (409, "Topic reached max same address producers limit", LimitReached, "limit of producers", True),
    (409, "Topic reached max consumers limit", LimitReached, f"topic {TOPIC} has reached its limit of con", True),
    (409, "Subscription reached max consumers limit", LimitReached, "subscription 'viewer1' has reached its", True),
    (500, f"Exceed the maximum number of subscriptions of the topic: {TOPIC}", LimitReached, "subscriptions;", True),
    (500, "Exceed maximum number of topics in namespace.", LimitReached, "namespace zoo/barn has reached", True),
    (
        409,
        f"{BROKER}BrokerServiceException$ProducerBusyException: Topic has an existing exclusive producer: main-0-18",
        ProducerExcluded,
        "held by an exclusive producer",
        True,
    ),
    (409, f"{BROKER}BrokerServiceException$ProducerFencedException: Fenced", ProducerExcluded, "held by", True),
    (409, NO_SCHEMA, RequestRejected, "switch off schemaValidationEnforced", False),
    (500, f"Encryption is required in {TOPIC}", RequestRejected, "switch off encryptionRequired", False),
    (500, f"Topic[{{{TOPIC}}}] doesn't support Exclusive sub type!", RequestRejected, "another `kind`", False),
    (500, "Subscription does not exist", RequestRejected, "one that is not durable", True),
    (
        503,
        f"{BROKER}BrokerServiceException$TopicTerminatedException: Topic was already terminated",
        TopicTerminated,
        "was terminated",
        False,
    ),
    (
        503,
        "Cannot create producer on topic with backlog quota exceeded",
        BacklogFull,
        "while its backlog is full",
        True,
    ),
    (500, "Namespace bundle for topic is not served by this instance", RequestRejected, "the node is starting", True),
    (500, "Topic is temporarily unavailable", RequestRejected, "try again in a moment", True),
    (
        503,
        f"{BROKER}BrokerServiceException$ServiceUnitNotReadyException: not ready",
        RequestRejected,
        "starting",
        True,
    ),
    (
        500,
        "org.apache.pulsar.metadata.api.MetadataStoreException: Metadata store down",
        RequestRejected,
        "look at its log",
        True,
    ),
    (
        500,
        "org.apache.pulsar.metadata.api.MetadataStoreException$BadVersionException: BadVersion",
        RequestRejected,
        "metadata store",
        True,
    ),
    (429, "Too Many Requests", RequestRejected, "ask less often", True),
    (409, "Something else is busy", RequestRejected, "Something else is busy (HTTP 409)", True),
    (500, "Something else", RequestRejected, "Something else (HTTP 500)", True),
]


@pytest.mark.parametrize(("status", "words", "kind", "sentence", "transient"), SESSIONS)
def test_a_refused_session_by_its_cause(
    status: int, words: str, kind: type[PulsarError], sentence: str, transient: bool
) -> None:
    error = refusal(status, page(status, from_broker("producer/consumer", words)), TARGET)
    assert type(error) is kind
    assert sentence in str(error)
    assert error.transient is transient
    assert_showable(str(error))
    assert "Exception" not in str(error)
    assert "org.apache" not in str(error)


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (409, "Exceed maximum number of topics in namespace.", LimitReached),
        (412, "Exceed maximum number of topics in namespace.", LimitReached),
        (409, f"Exceed the maximum number of subscriptions of the topic: {TOPIC}", LimitReached),
        (409, "This topic already exists", RequestRejected),
        (503, "Topic is not served by this broker", RequestRejected),
    ],
)
def test_a_refused_request_by_its_cause(status: int, reason: str, kind: type[PulsarError]) -> None:
    assert type(cause_of(status, reason, "create it", TARGET.topic)) is kind


def test_what_is_said_of_the_node_itself_is_about_no_topic() -> None:
    assert cause_of(409, "reached max producers limit", "check its health", None) is None
    assert cause_of(400, "no such thing", "check its health", None) is None


def reader_refused(words: str) -> PulsarError:
    return refusal(500, page(500, from_broker("reader", words)), TARGET)


def test_a_reader_is_refused_with_500_and_hardly_a_word() -> None:
    assert type(reader_refused("")) is TopicNotFound
    assert type(reader_refused("Namespace not found")) is NamespaceNotFound
    assert type(reader_refused("Topic reached max consumers limit")) is LimitReached
    message = page(500, "Failed to create reader: Illegal base64 character 25")
    assert type(refusal(500, message, TARGET)) is RequestRejected


def test_a_reason_is_shown_without_the_classes_and_traces_of_java() -> None:
    body = json.dumps(
        {"errorMsg": "java.lang.RuntimeException: io.netty.channel.Foo$Bar@1f: closed\n\tat x.Y.z(Y.java)"}
    )
    error = refusal(500, page(500, f"Failed to create producer/consumer: {body}"), TARGET)
    assert str(error).startswith(f"Pulsar refused to {TARGET.action}: closed (HTTP 500); it may be starting")
