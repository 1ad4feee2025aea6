"""What a topic, its namespace and its node allow: who can publish, how fast, and whether a missing topic is made.

Formats: "Pulsar admin REST API v2" of Apache Pulsar 4.0, and the answers of a 4.0.8 node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...errors import PulsarError
from ...text import whole
from ..topics import Topic

if TYPE_CHECKING:  # the value is pure; only asking for it needs the network
    from .admin import Admin

_PUBLISHING, _DISPATCHING = "publishThrottlingRateIn", "dispatchThrottlingRateIn"


@dataclass(frozen=True, slots=True)
class TopicRules:
    """What holds for one topic; the defaults stand for what is not known.

    Attributes:
        is_terminated: it never takes a message again.
        wants_schema: it has a schema, and messages without one are refused.
        wants_encryption: messages that their producer did not encrypt are refused.
        publish_per_s: how many messages a second it takes; None for no limit.
        publish_bytes_per_s: how many bytes of them; None for no limit.
        dispatch_per_s: how many messages a second it, or one of its subscriptions, delivers; None for no limit.
        ttl_s: after which time a subscription loses what it did not acknowledge; None for no limit.
        makes_topics: whether a topic that is missing is made by its first publisher or viewer.
    """

    is_terminated: bool = False
    wants_schema: bool = False
    wants_encryption: bool = False
    publish_per_s: int | None = None
    publish_bytes_per_s: int | None = None
    dispatch_per_s: int | None = None
    ttl_s: int | None = None
    makes_topics: bool = True


async def rules_of(admin: Admin, topic: Topic) -> TopicRules:
    """Return what holds for a topic; never raises a PulsarError, as not every role may read all of it."""
    namespace = f"/namespaces/{topic.tenant}/{topic.namespace}"
    schema = f"/schemas/{topic.tenant}/{topic.namespace}/{topic.path.rpartition('/')[2]}/schema"
    of_namespace, of_node, schema_of_topic, has_ended, *of_topic = await asyncio.gather(
        _answer(admin, namespace, topic),
        _answer(admin, "/brokers/configuration/runtime", topic),
        _answer(admin, schema, topic),
        is_terminated(admin, topic),
        *(
            _answer(admin, f"/{topic.path}/{policy}", topic)
            for policy in (
                "publishRate",
                "dispatchRate?applied=true",
                "subscriptionDispatchRate?applied=true",
                "messageTTL?applied=true",
                "schemaValidationEnforced?applied=true",
            )
        ),
    )
    policies, settings = _mapping(of_namespace), _mapping(of_node)
    publish, dispatch, subscription_dispatch, ttl_s, is_enforced = of_topic
    publishes = (publish, *_mapping(policies.get("publishMaxMessageRate")).values(), _publish_rate_of(settings))
    own = next((each for each in publishes if _mapping(each)), None)
    return TopicRules(
        is_terminated=has_ended,
        wants_schema=bool(_mapping(schema_of_topic)) and is_enforced is True,
        wants_encryption=policies.get("encryption_required") is True,
        publish_per_s=_least([own], f"{_PUBLISHING}Msg"),
        publish_bytes_per_s=_least([own], f"{_PUBLISHING}Byte"),
        dispatch_per_s=_least([dispatch, subscription_dispatch], f"{_DISPATCHING}Msg"),
        ttl_s=whole(ttl_s, least=1),
        makes_topics=_makes_topics(policies, settings),
    )


async def is_terminated(admin: Admin, topic: Topic) -> bool:
    """Return whether a topic, or its first partition, is known to be terminated; never raises a PulsarError."""
    parts = (topic, replace(topic, name=f"{topic.name}-partition-0"))
    answers = [await _answer(admin, f"/{each.path}/internalStats", each) for each in parts]
    return any(_mapping(stats).get("state") == "Terminated" for stats in answers)


async def _answer(admin: Admin, path: str, topic: Topic) -> Any:
    try:
        return await admin.read(path, topic)
    except PulsarError:
        return None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _publish_rate_of(settings: dict[str, Any]) -> dict[str, Any]:
    units = {"Msg": "Messages", "Byte": "Bytes"}
    return {
        f"{_PUBLISHING}{unit}": whole(settings.get(f"maxPublishRatePerTopicIn{name}")) for unit, name in units.items()
    }


def _least(rates: Iterable[object], name: str) -> int | None:
    found = (whole(_mapping(rate).get(name), least=1) for rate in rates)
    return min((each for each in found if each), default=None)


def _makes_topics(policies: dict[str, Any], settings: dict[str, Any]) -> bool:
    override = policies.get("autoTopicCreationOverride")
    if isinstance(override, dict):
        return override.get("allowAutoTopicCreation") is not False
    return str(settings.get("allowAutoTopicCreation", "true")).lower() != "false"
