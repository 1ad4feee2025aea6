"""Work on an event loop in another thread: it ends, cleans up and raises its error, whatever happens."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from pulsar_cam.errors import NotAuthenticated
from pulsar_cam.runtime import background
from pulsar_cam.runtime.background import Background

from ..lab.xvfb import wait_until

LONG_S = 60.0
ERROR = NotAuthenticated("ws://localhost:8080")


class Work:
    """A coroutine that waits for ever, and notes how far it came."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.cleaned_up = threading.Event()

    async def wait(self) -> None:
        try:
            self.begun.set()
            await asyncio.sleep(LONG_S)
        finally:
            await asyncio.sleep(0)
            self.cleaned_up.set()


async def fail() -> None:
    raise ERROR


async def nothing() -> None:
    pass


def test_leaving_cancels_and_waits_for_the_clean_up() -> None:
    work = Work()
    with Background(work.wait()) as run:
        assert work.begun.wait(LONG_S)
        assert run.is_running
    assert work.cleaned_up.is_set()
    assert not run.is_running


def test_leaving_before_the_first_step_does_not_hang() -> None:
    for _ in range(20):
        with Background(Work().wait()) as run:
            pass
        assert not run.is_running


def test_error_is_raised_at_the_exit() -> None:
    with pytest.raises(NotAuthenticated) as caught, Background(fail()):
        pass
    assert caught.value is ERROR


def test_error_of_the_context_goes_before() -> None:
    with pytest.raises(KeyboardInterrupt), Background(fail()):
        raise KeyboardInterrupt


def test_error_in_the_clean_up_is_raised_too() -> None:
    begun = threading.Event()

    async def fail_to_end() -> None:
        try:
            begun.set()
            await asyncio.sleep(LONG_S)
        finally:
            raise ERROR

    with pytest.raises(NotAuthenticated), Background(fail_to_end()):
        assert begun.wait(LONG_S)


def test_cancel_can_come_at_any_time_and_twice() -> None:
    work = Work()
    with Background(work.wait()) as run:
        assert work.begun.wait(LONG_S)
        run.cancel()
        run.cancel()
        assert work.cleaned_up.wait(LONG_S)
    with Background(nothing()) as run:
        run._thread.join(LONG_S)
        run.cancel()
    run.cancel()


def test_what_cannot_be_cancelled_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "CLEAN_UP_S", 0.01)
    blocked, released = threading.Event(), threading.Event()

    async def block() -> None:
        blocked.set()
        released.wait(LONG_S)

    with Background(block()) as run:
        assert blocked.wait(LONG_S)
    assert run.is_running
    assert caplog.messages == ["the network does not answer and is left behind"]
    released.set()
    run._thread.join(LONG_S)
    assert not run.is_running


def test_work_that_blocks_the_loop_is_measured_and_waiting_is_not() -> None:
    async def wait_and_block() -> None:
        await asyncio.sleep(0.2)
        time.sleep(0.05)  # noqa: ASYNC251 - that is the fault

    background = Background(wait_and_block())
    assert background.longest_block_ms == 0
    with background:
        wait_until(lambda: not background.is_running, "end")
    assert 50 <= background.longest_block_ms < 200
    assert 0 < background.longest_work_ms < 50  # sleeping is not work
