"""Reports: JSON lines that commands wrote with ``--json``, as one HTML page with plots over time."""

from __future__ import annotations

from .make import make_report

__all__ = ["make_report"]
