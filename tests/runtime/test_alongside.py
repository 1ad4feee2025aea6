"""A coroutine that runs while something else goes on ends with it, and its failure is not lost."""

from __future__ import annotations

import asyncio

import pytest

from pulsar_cam.runtime import alongside as module
from pulsar_cam.runtime.alongside import alongside


def test_it_runs_meanwhile_and_is_cancelled_at_the_end() -> None:
    said: list[str] = []

    async def go_on() -> None:
        said.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("cleaned up")

    async def main() -> None:
        async with alongside(go_on()):
            await asyncio.sleep(0)
            assert said == ["began"]
        assert said == ["began", "cleaned up"]

    asyncio.run(main())


async def fail() -> None:
    raise ZeroDivisionError


def test_what_it_raised_is_raised_at_the_end() -> None:
    async def main() -> None:
        async with alongside(fail()):
            await asyncio.sleep(0)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())


@pytest.mark.filterwarnings("ignore:Task exception was never retrieved")
def test_what_is_being_raised_already_goes_first() -> None:
    async def main() -> None:
        async with alongside(fail()):
            await asyncio.sleep(0)
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(main())


def test_one_that_does_not_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    may_end = asyncio.Event()

    async def stubborn() -> None:
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        async with asyncio.timeout(30), alongside(stubborn()):
            await asyncio.sleep(0)
        may_end.set()
        await asyncio.sleep(0)

    asyncio.run(main())
