"""The monitor: probes of a node, the state of a stream, and what to do about it, seen as one `View` an interval."""

from .monitor import Monitor
from .plan import Plan
from .screen.totals import Totals
from .view import View

__all__ = ["Monitor", "Plan", "Totals", "View"]
