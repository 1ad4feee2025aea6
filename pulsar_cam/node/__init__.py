"""A real Pulsar node on this machine: fetched, configured, started, watched and stopped, without Docker or Maven.

``LocalNode().start()`` is all that most callers need.
"""

from __future__ import annotations

from ..errors import DependencyMissing

try:
    from .local import DEFAULT_PORT, LocalNode, NodeStatus
    from .state import NodeState
except ImportError as error:
    raise DependencyMissing(
        f"running a Pulsar node needs the package {error.name}", "Install it: pip install 'pulsar-cam[node]'"
    ) from error

__all__ = ["DEFAULT_PORT", "LocalNode", "NodeState", "NodeStatus"]
