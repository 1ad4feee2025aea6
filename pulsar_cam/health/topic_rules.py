"""What the rules of a topic mean for a stream: whether it can be published at all, and how fast."""

from __future__ import annotations

from ..pulsar.admin.topic_rules import TopicRules
from ..text import size_text

USUAL_FPS = 30


def obstacle_in(rules: TopicRules) -> tuple[str, str] | None:
    """Return why nothing of ours can be published to a topic, and what to change; None if it can."""
    if rules.is_terminated:
        return "it was terminated, and takes no messages any more", "use another topic: this cannot be undone"
    if rules.wants_schema:
        says = "it has a schema that is enforced, and our messages have none"
        return says, "use another topic, or switch off schemaValidationEnforced for this one"
    if rules.wants_encryption:
        says = "its namespace requires encrypted messages, and ours are not"
        return says, "use a topic in another namespace, or switch off encryptionRequired for this one"
    return None


def limits_in(rules: TopicRules) -> list[str]:
    """Return the limits of a topic that are in force, in a few words each."""
    limits = {
        "takes at most {} messages/s (publish rate)": rules.publish_per_s,
        "takes at most {}/s (publish rate)": rules.publish_bytes_per_s and size_text(rules.publish_bytes_per_s),
        "delivers at most {} messages/s (dispatch rate)": rules.dispatch_per_s,
        "messages expire after {} s (TTL)": rules.ttl_s,
    }
    return [words.format(limit) for words, limit in limits.items() if limit]


def bottleneck_in(rules: TopicRules, messages_per_s: float) -> str:
    """Return how to raise the limit that this many messages a second reach; empty if they reach none."""
    for limit, name in ((rules.publish_per_s, "publish rate"), (rules.dispatch_per_s, "dispatch rate")):
        if limit and messages_per_s >= limit:
            return f"publish with `fps` {limit} or less, or have the {name} raised: what waits gets too old"
    return ""
