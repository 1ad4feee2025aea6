"""What counters show of the session, the source and the event loop of a run, which they do not own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SessionState(Protocol):
    """How a session with Pulsar is; `Producer` and `Consumer` have all of it."""

    @property
    def has_opened(self) -> bool: ...

    @property
    def is_connected(self) -> bool: ...

    @property
    def is_stalled(self) -> bool: ...

    @property
    def status(self) -> str: ...

    @property
    def reconnects(self) -> int: ...

    @property
    def recovery_s(self) -> float | None: ...

    @property
    def bad_messages(self) -> int: ...

    @property
    def ping_s(self) -> float: ...


class ProducerState(SessionState, Protocol):
    """How a producer is."""

    @property
    def session(self) -> str: ...

    @property
    def in_flight(self) -> int: ...

    @property
    def window(self) -> int: ...

    @property
    def is_full(self) -> bool: ...


class ConsumerState(SessionState, Protocol):
    """How a consumer is."""

    @property
    def jumps(self) -> int: ...

    @property
    def receiver_queue(self) -> int: ...

    @property
    def pings_s(self) -> Sequence[float]: ...


class SourceState(Protocol):
    """How a source is; `SourceReader` has all of it."""

    @property
    def trouble(self) -> str: ...

    @property
    def losses(self) -> int: ...

    @property
    def recovery_s(self) -> float | None: ...

    @property
    def damaged(self) -> int: ...


class LoopState(Protocol):
    """How much an event loop kept everything on it waiting; `Background` has all of it."""

    @property
    def longest_block_ms(self) -> float: ...

    @property
    def longest_work_ms(self) -> float: ...

    @property
    def blocked_s(self) -> float: ...
