"""Fixtures of general use."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator

import hypothesis
import pytest

from .lab.xvfb import Screen, x_server

# How long an example takes says more about what else the machine does.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests in an order in which several processes can share them one by one, and end at the same time.

    Those without a node come first; of each kind, those that may take longest, so that none is alone at the end.
    """
    items.sort(key=lambda item: ("real" in item.path.parts, -_timeout_s(item)))


def _timeout_s(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    """Give our logger, and set it back to what it was: a command that runs within a test makes it its own."""
    logger = logging.getLogger("pulsar_cam")
    before = logger.handlers[:], logger.propagate, logger.level
    yield logger
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("pulsar_cam.")]:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def screen() -> Iterator[Screen]:
    """A screen of its own for this test session; set DISPLAY to its name where a window shall appear on it."""
    if shutil.which("Xvfb") is None:
        missing("Xvfb (on Debian and Ubuntu: sudo apt-get install xvfb)")
    with x_server() as name:
        screen = Screen(name)
        yield screen
        screen.close()


def missing(what: str) -> None:
    """End a test for want of something: a failure in CI, which installs everything, a skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(f"not installed: {what}")
    pytest.skip(f"not installed: {what}")
