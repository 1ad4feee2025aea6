"""A real Pulsar node for the tests: its own ports and data, never one that runs already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pulsar_cam.errors import DependencyMissing, LocalNodeError
from pulsar_cam.node import LocalNode, NodeState, folders, settings
from pulsar_cam.node.software import java
from pulsar_cam.node.software.distribution import pulsar_home

from ..conftest import missing
from .secured import SecuredNode, secured_node


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the fixtures out of the time-out: one may have to download Pulsar, and has bounds of its own."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(120, func_only=True))


@pytest.fixture(scope="session")
def _pulsar() -> Iterator[None]:
    """Pulsar and Java on this machine; the download is shared with the user's own nodes.

    Nodes do without Java's second compiler: most live for a minute, and a start takes 7 s of a processor, not 11.
    """
    try:
        java.find_java()
        pulsar_home(folders.cache_folder(), lambda _arrived, _total: None)
    except (DependencyMissing, LocalNodeError) as error:
        missing(f"a Pulsar node ({error})")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        yield


@pytest.fixture(scope="session")
def node(_pulsar: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeState]:
    """Where this session's node runs: ``service_url``, ``ws_url``, ``admin_url`` and ``broker_url``."""
    session_node = LocalNode("session", tmp_path_factory.mktemp("node"))
    try:
        yield session_node.start(0, 0)
    finally:
        session_node.stop()


@pytest.fixture(scope="session")
def secured(_pulsar: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredNode]:
    """A node with authentication, authorization and TLS; its tests are one `xdist_group`, so that it starts once."""
    with secured_node(tmp_path_factory.mktemp("secured")) as node:
        yield node


@pytest.fixture(scope="session")
def impatient(_pulsar: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeState]:
    """A node that ends a session after 2 s of silence, and looks at its quotas as often; an `xdist_group`, too."""
    impatient = LocalNode("impatient", tmp_path_factory.mktemp("impatient"))
    try:
        with pytest.MonkeyPatch.context() as patch:  # for this start only
            patch.setitem(settings.SETTINGS, "webSocketSessionIdleTimeoutMillis", "2000")
            patch.setitem(settings.SETTINGS, "backlogQuotaCheckIntervalInSeconds", "2")
            started = impatient.start(0, 0)
        yield started
    finally:
        impatient.stop()
