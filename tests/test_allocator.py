"""The C library is asked to share its pools, and a library that has none is no trouble."""

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace

import pytest

from pulsar_cam.allocator import keep_few_arenas


def test_two_pools_are_asked_for_on_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda option, value: asked.append((option, value)))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    for system in ("linux", "darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        keep_few_arenas()
    assert asked == [(-8, 2)]


def test_a_library_without_that_call_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    keep_few_arenas()
