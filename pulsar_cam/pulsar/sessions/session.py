"""What producers, consumers and readers have in common: a session that is kept open from `open` to `close`."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from ...errors import BadMessage, PulsarError
from .connection import Connection

logger = logging.getLogger(__name__)


class Session(ABC):
    """A session that opens again whenever it closes; an async context manager.

    Attributes:
        bad_messages: how many texts were not what Pulsar sends, or too much to read.
    """

    def __init__(self, connection: Connection) -> None:
        self.bad_messages = 0
        self._connection = connection

    @abstractmethod
    async def open(self) -> None:
        """Open the session.

        Raises:
            PulsarError: the node cannot be reached, or refuses.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close the session; it cannot be opened again."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def has_opened(self) -> bool:
        """Whether there was a session."""
        return self._connection.has_opened

    @property
    def refusal(self) -> PulsarError | None:
        """Why the node did not take the first session yet; None if it was not refused."""
        return self._connection.refusal

    @property
    def status(self) -> str:
        """What is going on, as a few words for a person."""
        return self._connection.status

    @property
    def is_connected(self) -> bool:
        """Whether a session is open."""
        return self._connection.is_connected

    @property
    def is_stalled(self) -> bool:
        """Whether nothing gets through an open session, though it should; `status` then begins with "stalled"."""
        return False

    @property
    def reconnects(self) -> int:
        """How often the session was opened again."""
        return self._connection.reconnects

    @property
    def recovery_s(self) -> float | None:
        """How long the last interruption took, in seconds; None before the first one."""
        return self._connection.recovery_s

    @property
    def ping_s(self) -> float:
        """The shortest time from a ping to its pong in the last minute, in seconds; 0 before the first."""
        return self._connection.ping_s

    @property
    def pings_s(self) -> Sequence[float]:
        """The last ten times from a ping to its pong, in seconds."""
        return list(self._connection.pings_s)[-10:]

    def _count_bad_message(self, error: BadMessage) -> None:
        self.bad_messages += 1
        if self.bad_messages == 1:
            logger.warning("%s (said once, counted from here on)", error)
