"""Commands for those who follow our advice, as they are typed into a shell."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from ..pulsar.endpoint import DEFAULT_SERVICE_URL, Endpoint
from ..pulsar.topics import Topic, subscription_path


@dataclass(frozen=True, slots=True)
class Commands:
    """What changes a topic of a node. Requests go by curl, which is everywhere, and no secret is in their text.

    Where a token is needed, the shell takes it from PULSAR_CAM_TOKEN.
    """

    endpoint: Endpoint
    topic: Topic

    def create_topic(self, **limits: str) -> str:
        """Create the topic, or set limits of one that exists."""
        url = self.endpoint.admin_url
        node = {} if url == DEFAULT_SERVICE_URL else {"service_url": url}
        options = {**node, "topic": str(self.topic), **limits}
        words = (word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value))
        return shlex.join(["pulsar-cam", "create-topic", *words])

    def limit_backlog(self, size_bytes: int) -> str:
        """Have subscriptions lose their oldest messages above a limit."""
        return self.create_topic(backlog_limit=size_option(size_bytes))

    def delete_subscription(self, name: str) -> str:
        """Delete a subscription, and what it has not acknowledged."""
        return self._curl("DELETE", f"/{subscription_path(name)}")

    def restore_backlog_limit(self, size_bytes: int | None, policy: str) -> str:
        """Set a limit of the topic's own as it was; None for no limit."""
        body = {"limitSize": -1 if size_bytes is None else size_bytes, "limitTime": -1, "policy": policy}
        return self._curl("POST", "/backlogQuota?backlogQuotaType=destination_storage", body)

    def remove_backlog_limit(self) -> str:
        """Take back the limits of the topic's own: those of its namespace and its node hold again."""
        return self._curl("DELETE", "/backlogQuota?backlogQuotaType={destination_storage,message_age}")  # one each

    def _curl(self, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        # In double quotes, so that the shell puts the token in.
        token = ' -H "Authorization: Bearer $PULSAR_CAM_TOKEN"' if self.endpoint.credentials else ""
        data = [] if body is None else ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        url = f"{self.endpoint.admin_url}/admin/v2/{self.topic.path}{path}"
        return f"curl -f -X {method}{token} {shlex.join([*data, url])}"


def size_option(size_bytes: int) -> str:
    """Return a size as an option takes it, such as ``2GB``; rounded up to 1000 bytes."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return f"{-(-size_bytes // 1000)}KB"
