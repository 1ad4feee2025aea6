"""A session that is kept open: made, used, and made again whenever that ends, for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from ..errors import PulsarError
from .retry import backoff

logger = logging.getLogger(__name__)


class Session(Protocol):
    """What opens when its context is entered; a producer and a consumer are such sessions."""

    @property
    def reconnects(self) -> int:
        """How often it was opened again by itself."""

    async def __aenter__(self) -> Any: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


S = TypeVar("S", bound=Session)


class KeptOpen(Generic[S]):
    """Keeps a session open for as long as `run` does, whatever the node says; between two tries it backs off.

    Args:
        new: makes a session, which is not open yet.
        use: uses an open one, for as long as that goes well.

    Attributes:
        session: the one that is open, or being opened; None before the first and while it backs off.
        error: why there is no session; None if there is one, or that is not known yet.
    """

    def __init__(self, new: Callable[[], S], use: Callable[[S], Awaitable[None]]) -> None:
        self.session: S | None = None
        self.error: PulsarError | None = None
        self._new, self._use = new, use
        self._openings = 0
        self._earlier_reconnects = 0

    async def run(self) -> None:
        """Keep it open, for ever."""
        for delay_s in backoff():
            self.session = session = self._new()
            try:
                async with session:
                    self.error = None
                    self._openings += 1
                    await self._use(session)
            except PulsarError as error:
                logger.debug("a session is kept open, and is not now: %s", error)
                self.error = error
            self.session = None
            self._earlier_reconnects += session.reconnects
            await asyncio.sleep(delay_s)

    @property
    def reconnects(self) -> int:
        """How often it was opened again, by itself or as another session."""
        by_itself = self.session.reconnects if self.session else 0
        return self._earlier_reconnects + by_itself + max(0, self._openings - 1)
