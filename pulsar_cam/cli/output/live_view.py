"""The dashboard of the monitor at a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from rich.live import Live
from rich.text import Text

from .console import errors
from .terminal import without_echo

if TYPE_CHECKING:
    from ...monitor.view import View

Output: TypeAlias = "Callable[[View], object]"
"""What is done with each view: it is printed, shown, counted, or acted on."""


class LiveView:
    """Shows the newest view and its past at a terminal, instead of what was there before."""

    def __init__(self) -> None:
        from ...monitor.screen.dashboard import MOST_VIEWS

        self._live = Live(Text("the first probes are under way"), console=errors, auto_refresh=False)
        self._quiet = ExitStack()
        self._history: deque[View] = deque(maxlen=MOST_VIEWS)

    def __enter__(self) -> Output:
        self._quiet.enter_context(without_echo())
        self._live.start(refresh=True)
        return self._show

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        self._quiet.close()

    def _show(self, view: View) -> None:
        from ...monitor.screen.dashboard import dashboard

        self._history.append(view)
        self._live.update(dashboard(tuple(self._history)), refresh=True)
