"""How long and how much of a topic is kept, and what that costs on disk."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass

from ...errors import InvalidOption
from ...text import size_text
from ..topics import Topic
from .admin import Admin

_MB = 1024 * 1024  # Pulsar counts retention in units of 2^20 bytes
# What a typical stream stores: 720p at quality 80 is about 120 kB a frame.
_TYPICAL_BYTES_PER_S = 30 * 120_000


@dataclass(frozen=True, slots=True)
class TopicPolicy:
    """Limits of one topic; None leaves the node's own in force.

    Attributes:
        retention_s: how long acknowledged frames are kept, in seconds (Pulsar counts in minutes).
        retention_bytes: how many bytes of them are kept.
        ttl_s: after how many seconds a frame is skipped for a subscription that did not acknowledge it.
        backlog_bytes: how far a subscription may lag before the oldest frames are taken from it.
    """

    retention_s: int | None = None
    retention_bytes: int | None = None
    ttl_s: int | None = None
    backlog_bytes: int | None = None

    def check(self, topic: Topic) -> None:
        """Find out what Pulsar would refuse.

        Raises:
            InvalidOption: limits on a topic that keeps nothing, none at all, or a backlog that retention cannot hold.
        """
        for parameter, value in asdict(self).items():
            if value is not None and value <= 0:
                raise InvalidOption(parameter, value, "expected more than 0")
        if not topic.is_persistent and any(value is not None for value in astuple(self)):
            raise InvalidOption("topic", topic, "a non-persistent topic keeps nothing, so it takes no limits")
        if self.retention_bytes is not None and self.retention_bytes < 2 * _MB:
            raise InvalidOption("retention_bytes", self.retention_bytes, "at least 2 MiB is needed")
        if self.retention_bytes and (self.backlog_bytes or 0) >= self.retention_bytes // _MB * _MB:
            raise InvalidOption("backlog_bytes", self.backlog_bytes, "expected less than `retention_bytes`")

    async def apply(self, admin: Admin, topic: Topic) -> None:
        """Set the limits on an existing topic.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """
        backlog_bytes = self.backlog_bytes
        if self.retention_bytes and not backlog_bytes:
            # Pulsar refuses a retention below the backlog limit in force, and the default one may be any size.
            backlog_bytes = self.retention_bytes // 2
        if backlog_bytes:
            await admin.set_backlog_limit(topic, backlog_bytes)
        if self.retention_s or self.retention_bytes:
            minutes = -1 if self.retention_s is None else max(1, -(-self.retention_s // 60))
            megabytes = -1 if self.retention_bytes is None else self.retention_bytes // _MB
            await admin.set_retention(topic, minutes, megabytes)
        if self.ttl_s:
            await admin.set_ttl(topic, self.ttl_s)

    def cost(self, topic: Topic) -> str:
        """Say what the topic costs on disk, for a typical stream of 720p at 30 fps."""
        if not topic.is_persistent:
            return "disk: nothing is kept; frames reach only those who watch at the time"
        if self.retention_s is None and self.retention_bytes is None:
            return "disk: frames are kept until every subscription has them, within the node's backlog limit"
        limits = [self.retention_bytes] if self.retention_bytes else []
        if self.retention_s:
            limits.append(self.retention_s * _TYPICAL_BYTES_PER_S)
        return f"disk: up to about {size_text(min(limits))} for a camera of 720p at 30 fps (120 kB a frame)"
