"""Pulsar's admin REST API: what it takes to make a topic, and to know a node's limits.

Formats: "Pulsar admin REST API v2" of Apache Pulsar 4.0, and the answers of a 4.0.8 node.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from ...errors import InvalidOption, PulsarError, RequestRejected, TopicNotFound
from ...text import printable, whole
from ..endpoint import Endpoint
from ..messages.wire import DEFAULT_MESSAGE_LIMIT, DEFAULT_TEXT_LIMIT
from ..refusal import stranger
from ..topics import Topic, subscription_path
from .http import Http, json_object, json_value

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
LIMITS_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may measure, in bytes: as a WebSocket text frame, and as payload with its metadata."""

    text: int = DEFAULT_TEXT_LIMIT
    message: int = DEFAULT_MESSAGE_LIMIT


@dataclass(frozen=True, slots=True)
class Security:
    """The version of TLS, such as ``TLSv1.3``, and until when the node's certificate is good."""

    version: str
    expires_at: datetime


class Admin:
    """A client of the admin REST API, as an async context manager. Every call ends within `timeout_s`.

    Every method raises a PulsarError: NodeUnreachable (entering, too), TokenUnavailable, NotAuthenticated,
    NotAuthorized, NamespaceNotFound, TopicNotFound, or RequestRejected with Pulsar's own reason.
    """

    def __init__(self, endpoint: Endpoint, timeout_s: float = TIMEOUT_S) -> None:
        self._http = Http(endpoint, timeout_s)
        self._partitioned: set[Topic] = set()

    async def open(self) -> None:
        """Make the client; the first call connects it.

        Raises:
            NodeUnreachable: the proxy named in the environment cannot be used.
        """
        await self._http.open()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def version(self) -> str:
        """Return the node's version, such as ``4.0.8``."""
        answer = await self._http.call("GET", "/brokers/version", "ask for the version")
        if not re.match(r"\d+\.\d+", answer.text.strip()):
            raise stranger(self._http.url, "admin API", answer.status_code)
        return printable(answer.text.strip(), 40)

    async def check_health(self) -> None:
        """Have the broker send a message to itself and read it, which takes some 100 ms; a super user's right.

        Raises:
            PulsarError: RequestRejected if it could not; NodeUnreachable if that took too long.
        """
        await self._http.call("GET", "/brokers/health", "check its own health")

    async def secured_by(self) -> Security | None:
        """Return what the connection is secured by; None in plain text. A node that refuses us answers, too."""
        stream = (await self._http.send("GET", "/brokers/version")).extensions["network_stream"]
        tls: ssl.SSLObject | None = stream.get_extra_info("ssl_object")
        certificate = tls.getpeercert() if tls else None
        if not tls or not certificate:
            return None
        expires_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
        return Security(tls.version() or "TLS", expires_at)

    async def settings(self) -> dict[str, Any]:
        """Return the node's settings in force, name to text; a super user's right."""
        return json_object(await self._http.call("GET", "/brokers/configuration/runtime", "read the node's settings"))

    async def limits(self) -> Limits:
        """Return the node's limits on one message."""
        return limits_in(await self.settings())

    async def create_topic(self, topic: Topic, partitions: int | None = None) -> bool:
        """Create a topic, with this number of partitions or as a plain one (0, or None); return False if it exists.

        Raises:
            InvalidOption: it exists with another number of partitions, and that is not None.
        """
        action = f"create topic {topic}"
        path = f"/{topic.path}/partitions" if partitions else f"/{topic.path}"
        try:
            await self._http.call("PUT", path, action, topic=topic, body=partitions or None)
        except RequestRejected as error:
            if error.status != 409 or "exists" not in error.reason:
                raise
            if partitions is not None:
                await self._check_partitions(topic, partitions)
            return False
        return True

    async def _check_partitions(self, topic: Topic, wanted: int) -> None:
        existing = await self.partitions(topic)
        if existing != wanted:
            raise InvalidOption(
                "partitions",
                wanted,
                f"topic {topic} exists already with {existing or 'no'} partitions; leave this out, or use another "
                "`topic`",
            )

    async def partitions(self, topic: Topic) -> int:
        """Return how many partitions a topic has; 0 for a plain one."""
        answer = await self._http.call("GET", f"/{topic.path}/partitions", f"look at topic {topic}", topic=topic)
        return whole(json_object(answer).get("partitions")) or 0

    async def set_backlog_limit(self, topic: Topic, size_bytes: int) -> None:
        """Let subscriptions lag by `size_bytes`; older messages are taken from them, and publishing goes on."""
        # Pulsar compares a retention with both kinds of quota: the one by age must be there too, without an age.
        for kind in ("destination_storage", "message_age"):
            await self._http.call(
                "POST",
                f"/{topic.path}/backlogQuota?backlogQuotaType={kind}",
                f"limit the backlog of {topic}",
                topic=topic,
                body={"limitSize": size_bytes, "limitTime": -1, "policy": "consumer_backlog_eviction"},
            )

    async def set_retention(self, topic: Topic, minutes: int, megabytes: int) -> None:
        """Keep acknowledged messages until one of the limits is passed; -1 means no limit."""
        await self._http.call(
            "POST",
            f"/{topic.path}/retention",
            f"set the retention of {topic}",
            topic=topic,
            body={"retentionTimeInMinutes": minutes, "retentionSizeInMB": megabytes},
        )

    async def set_ttl(self, topic: Topic, seconds: int) -> None:
        """Take messages from subscriptions that did not acknowledge them within `seconds`."""
        path = f"/{topic.path}/messageTTL?messageTTL={seconds}"
        await self._http.call("POST", path, f"set the time to live of {topic}", topic=topic)

    async def deduplicate(self, topic: Topic) -> None:
        """Have Pulsar store no message of a producer twice that it numbers as before, on a persistent topic."""
        path = f"/{topic.path}/deduplicationEnabled"
        await self._http.call("POST", path, f"switch on deduplication of {topic}", topic=topic, body=True)

    async def skip_backlog(self, topic: Topic, subscription: str) -> None:
        """Take all messages that a subscription has not acknowledged from it."""
        path = f"/{topic.path}/{subscription_path(subscription)}/skip_all"
        await self._http.call("POST", path, f"skip the backlog of subscription {subscription!r}", topic=topic)

    async def stats(self, topic: Topic) -> dict[str, Any]:
        """Return the broker's statistics of a topic, summed over its partitions if it has any.

        Only a partitioned topic has ``metadata`` in them, with the number of ``partitions``.
        """
        try:
            return await self._stats_of_kind(topic)
        except TopicNotFound:  # each kind has statistics under its own path, and a topic can be made again
            self._partitioned ^= {topic}
            return await self._stats_of_kind(topic)

    async def _stats_of_kind(self, topic: Topic) -> dict[str, Any]:
        path = "partitioned-stats?perPartition=false" if topic in self._partitioned else "stats"
        answer = await self._http.call("GET", f"/{topic.path}/{path}", f"read the statistics of {topic}", topic=topic)
        return json_object(answer)

    async def read(self, path: str, topic: Topic) -> Any:
        """Return the JSON value at a path that is about a topic; None where Pulsar answers that there is none."""
        answer = await self._http.call("GET", path, f"look at {topic}", topic=topic)
        return json_value(answer) if answer.content else None

    async def position_at(self, topic: Topic, unix_ms: int) -> tuple[int, int]:
        """Return ledger and entry of the first message that was published at a time or later.

        That is the place behind the last one where there is none. A partitioned topic has no such place.
        """
        path = f"/{topic.path}/messageid/{unix_ms}"
        found = json_object(await self._http.call("GET", path, f"look up a time in {topic}", topic=topic))
        return whole(found.get("ledgerId")) or 0, whole(found.get("entryId")) or 0

    async def retention(self, topic: Topic) -> dict[str, Any]:
        """Return what is kept of acknowledged messages: ``retentionTimeInMinutes`` and ``retentionSizeInMB``.

        The node's own is included. 0 keeps nothing, -1 has no limit.
        """
        path = f"/{topic.path}/retention?applied=true"
        return json_object(await self._http.call("GET", path, f"read the retention of {topic}", topic=topic))

    async def backlog_quotas(self, topic: Topic, *, applied: bool = True) -> dict[str, Any]:
        """Return how far subscriptions of a persistent topic may lag, by kind, such as ``destination_storage``.

        With `applied` the node's own limits are included, else there are only those that were set on this topic.
        """
        path = f"/{topic.path}/backlogQuotaMap?applied={str(applied).lower()}"
        return json_object(await self._http.call("GET", path, f"read the backlog limit of {topic}", topic=topic))


def limits_in(settings: Mapping[str, Any]) -> Limits:
    """Return the limits on one message that these settings set, or leave at Pulsar's defaults."""
    return Limits(
        text=whole(settings.get("webSocketMaxTextFrameSize")) or DEFAULT_TEXT_LIMIT,
        message=whole(settings.get("maxMessageSize")) or DEFAULT_MESSAGE_LIMIT,
    )


async def node_limits(endpoint: Endpoint) -> Limits:
    """Return the node's limits on one message, or Pulsar's defaults where they are not known.

    A stand-alone WebSocket proxy has no admin API, and not every role may read the settings.
    """
    try:
        async with Admin(endpoint, LIMITS_TIMEOUT_S) as admin:
            return await admin.limits()
    except PulsarError as error:
        logger.info("the node's limits are not known, its defaults are assumed: %s", error)
        return Limits()
