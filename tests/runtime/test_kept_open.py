"""Sessions that are kept open, whatever becomes of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import pytest

from pulsar_cam.errors import NodeUnreachable, NotAuthenticated, PulsarError
from pulsar_cam.runtime import kept_open
from pulsar_cam.runtime.kept_open import KeptOpen

AWAY = NodeUnreachable("ws://node", "connection refused")
REFUSED = NotAuthenticated("ws://node")


class Scripted:
    """A session that opens or not, and was opened again by itself a few times when it ends."""

    def __init__(self, refusal: PulsarError | None, end: PulsarError | None, reconnects: int) -> None:
        self._refusal, self.end, self.reconnects = refusal, end, reconnects

    async def __aenter__(self) -> Self:
        if self._refusal:
            raise self._refusal
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


def kept(
    monkeypatch: pytest.MonkeyPatch, *script: tuple[PulsarError | None, PulsarError | None, int]
) -> tuple[KeptOpen[Scripted], list[PulsarError | None], list[int]]:
    """Live through the sessions of a script, the last of which stays, and return what was known after each."""
    monkeypatch.setattr(kept_open, "backoff", lambda: itertools.repeat(0.0))
    sessions = iter(Scripted(*each) for each in script)
    errors: list[PulsarError | None] = []
    reconnects: list[int] = []

    async def use(session: Scripted) -> None:
        await asyncio.sleep(0)
        if session.end:
            raise session.end
        await asyncio.Event().wait()

    async def main() -> None:
        left: Sequence[int] = range(len(script) * 10)
        running = asyncio.ensure_future(kept_session.run())
        for _ in left:
            errors.append(kept_session.error)
            reconnects.append(kept_session.reconnects)
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])

    kept_session = KeptOpen(lambda: next(sessions), use)
    asyncio.run(main())
    return kept_session, errors, reconnects


def test_it_is_tried_again_until_it_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    session, errors, reconnects = kept(monkeypatch, (AWAY, None, 0), (REFUSED, None, 0), (None, None, 0))
    assert {AWAY, REFUSED} <= set(errors)
    assert session.error is None
    assert max(reconnects) == 0  # it was never open before


def test_each_time_it_was_opened_again_counts_once_and_the_count_never_goes_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, _, reconnects = kept(monkeypatch, (None, AWAY, 2), (None, REFUSED, 0), (AWAY, None, 0), (None, None, 3))
    assert reconnects[-1] == 2 + 3 + 2
    assert reconnects == sorted(reconnects)


def test_what_is_no_answer_of_a_node_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(session: Scripted) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(KeptOpen(lambda: Scripted(None, None, 0), use).run())
