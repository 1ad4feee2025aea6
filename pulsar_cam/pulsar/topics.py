"""Names of topics and subscriptions.

Format: "Topic name" in the Apache Pulsar 4.0 documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from ..errors import InvalidOption

DEFAULT_TOPIC = "video-stream"
MONITOR_NAME = "pulsar-cam-monitor-"
"""How the subscriptions of monitors begin: they look at a stream, and are not its audience."""

_DOMAINS = ("persistent", "non-persistent")
# Pulsar's own rule for tenants and namespaces (NamedEntity).
_NAMED_ENTITY = re.compile(r"[-=:.\w]+", re.ASCII)
# Pulsar takes more than this in topics, but answers 500 to a space and misreads a slash.
_UNUSABLE_IN_TOPIC = re.compile(r"[\s/\x00-\x1f\x7f]")
_TOPIC_FORM = "expected TOPIC, TENANT/NAMESPACE/TOPIC or persistent://TENANT/NAMESPACE/TOPIC"
# Percent-encoded, the longest name still fits a request line of 8 kB, Jetty's limit.
_LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Topic:
    """A full topic name, ``domain://tenant/namespace/name``."""

    domain: str
    tenant: str
    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a topic name; short ones are completed to ``persistent://public/default/...``.

        Raises:
            InvalidOption: Pulsar could not take this name.
        """
        domain, separator, path = text.partition("://")
        if not separator:
            domain, path = "persistent", text if "/" in text else f"public/default/{text}"
        parts = path.split("/")
        if domain not in _DOMAINS or len(parts) != 3:
            raise InvalidOption("topic", ascii(text), _TOPIC_FORM)
        if len(text) > _LONGEST_NAME:
            raise InvalidOption("topic", ascii(text), f"a name has at most {_LONGEST_NAME} characters")
        if {".", ".."} & set(parts):
            raise InvalidOption("topic", ascii(text), "'.' and '..' are not names, because URLs take them as folders")
        topic = cls(domain, *parts)
        topic._check(text)
        return topic

    def _check(self, text: str) -> None:
        for kind, value in (("tenant", self.tenant), ("namespace", self.namespace)):
            if not _NAMED_ENTITY.fullmatch(value):
                raise InvalidOption("topic", ascii(text), f"a {kind} is made of letters, digits and any of -_=:.")
        if not _is_utf8(text):
            raise InvalidOption("topic", ascii(text), "it is not valid UTF-8")
        if not self.name or _UNUSABLE_IN_TOPIC.search(self.name) or not self.name.isprintable():
            raise InvalidOption(
                "topic", ascii(text), "a topic's name has no spaces, slashes, control or invisible characters"
            )

    def __str__(self) -> str:
        return f"{self.domain}://{self.tenant}/{self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        """The name as a part of a URL, percent-encoded."""
        return f"{self.domain}/{self.tenant}/{self.namespace}/{quote(self.name, safe='')}"

    @property
    def is_persistent(self) -> bool:
        """Whether the node keeps what is published."""
        return self.domain == "persistent"

    def check_keeps_frames(self) -> None:
        """Find out whether a frame on it waits for those who were away.

        Raises:
            InvalidOption: the node keeps nothing that is published to it.
        """
        if not self.is_persistent:
            raise InvalidOption("every_frame", self, "a non-persistent topic keeps no frame; use a persistent one")


class TopicPattern(Topic):
    """All topics of a namespace whose name matches a regular expression of Java's, which stands for the name."""


def check_subscription(name: str) -> str:
    """Return the subscription name, or say why it cannot be one.

    Raises:
        InvalidOption: empty, too long, a folder in a URL, or with control characters.
    """
    if name in {".", ".."}:
        raise InvalidOption("subscription", ascii(name), "'.' and '..' are not names: URLs take them as folders")
    if not _is_utf8(name):
        raise InvalidOption("subscription", ascii(name), "it is not valid UTF-8")
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise InvalidOption("subscription", ascii(name), "expected 1 to 200 printable characters")
    return name


def _is_utf8(text: str) -> bool:
    """Return whether it was; Python makes lone surrogates of other bytes of a command line."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def subscription_path(name: str) -> str:
    """Return a subscription's name as a part of an admin URL, for any name that a stranger's client may have given.

    Pulsar decodes it twice: encoded once, ``a+b`` would be the subscription ``a b``. Dots are encoded too, because
    HTTP clients take ``..`` as the folder above, which is the topic.
    """
    once = quote(name, safe="").replace(".", "%2E")
    return f"subscription/{quote(once, safe='')}"
