"""What a session is opened for."""

from __future__ import annotations

from dataclasses import dataclass

from .topics import Topic


@dataclass(frozen=True, slots=True)
class Target:
    """What a session is opened for: its URL, and the words for it in an error.

    Attributes:
        url: of the session.
        node: the part of the URL that says where the node is, for a person.
        action: what is being done, such as ``publish to persistent://public/default/video-stream``.
        topics: of the session; a pattern of topics counts as one.
        permission: what Pulsar wants to have granted for it.
        name: the producer or the subscription, such as ``subscription 'viewer1'``.
    """

    url: str
    node: str
    action: str
    topics: tuple[Topic, ...]
    permission: str
    name: str

    @property
    def topic(self) -> Topic:
        """The first of its topics, which stands for the others in an error."""
        return self.topics[0]
