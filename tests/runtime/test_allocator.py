"""The C library is asked to share its pools and to give back what is free; one that cannot does no harm."""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from pulsar_cam.runtime import allocator
from pulsar_cam.runtime.allocator import give_back, keep_one_arena
from pulsar_cam.runtime.background import Background

from ..lab.memory import needs_linux
from ..lab.xvfb import wait_until


def test_one_pool_is_asked_for_on_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda option, value: asked.append((option, value)))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    for system in ("linux", "darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        keep_one_arena()
    assert asked == [(-8, 1)]


class OtherLibrary:
    """A C library that has none of the calls it is asked for, and notes which they were."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.missed.append(name)
        raise AttributeError(name)


def test_a_library_without_these_calls_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    library = OtherLibrary()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    for system in ("linux", "darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        keep_one_arena()
        give_back()
    assert library.missed == ["mallopt", "malloc_trim"]


IN_USE_MB = 200
HOLES = f"""
import ctypes
from pulsar_cam.runtime.allocator import give_back
from tests.lab.memory import resident_mb

library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
before_mb = resident_mb()
blocks = [library.malloc(100_000) for _ in range({IN_USE_MB} * 10)]
for block in blocks:
    ctypes.memset(block, 1, 100_000)
full_mb = resident_mb()
for block in blocks[:-1]:  # the last one keeps all before it from being given back
    library.free(block)
kept_mb = resident_mb()
give_back()
print(full_mb - before_mb, kept_mb - before_mb, resident_mb() - before_mb)
"""


@needs_linux
def test_what_lies_free_behind_something_in_use_is_given_back() -> None:
    told = subprocess.run([sys.executable, "-c", HOLES], check=True, capture_output=True, text=True).stdout
    full_mb, kept_mb, given_back_mb = map(float, told.split())
    assert full_mb > 0.9 * IN_USE_MB
    if kept_mb < 0.1 * IN_USE_MB:
        pytest.skip("this C library gives everything back by itself")
    assert given_back_mb < 0.1 * IN_USE_MB


def test_a_background_gives_back_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[str] = []
    monkeypatch.setattr(allocator, "GIVE_BACK_EVERY_S", 0.01)
    monkeypatch.setattr(allocator, "give_back", lambda: given_back.append(threading.current_thread().name))
    with Background(asyncio.sleep(60)):
        wait_until(lambda: len(given_back) >= 3, "third time")
    assert "network" not in given_back  # a loop that waits for it could not carry frames meanwhile


PICTURE_MB = 20
LEFT_BY_A_THREAD = f"""
import threading
import numpy as np
from pulsar_cam.runtime.allocator import give_back, keep_one_arena
from tests.lab.memory import resident_mb

keep_one_arena()
np.ones(31 * 2**20, "u1")  # from now on, what is not larger is not taken from the system by itself
before_mb, kept = resident_mb(), []

def decode():
    kept.append(bytes(300_000))
    pictures = [np.ones({PICTURE_MB} * 10**6, "u1") for _ in range(2)]
    del pictures
    kept.append(bytes(300_000))

thread = threading.Thread(target=decode)
thread.start()
thread.join()
give_back()
print(resident_mb() - before_mb)
"""


@needs_linux
def test_what_a_thread_needed_for_large_pictures_is_given_back() -> None:
    told = subprocess.run([sys.executable, "-c", LEFT_BY_A_THREAD], check=True, capture_output=True, text=True).stdout
    assert float(told) < PICTURE_MB / 2
