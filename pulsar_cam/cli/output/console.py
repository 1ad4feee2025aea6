"""What a person sees besides the results: log lines, one live status line, and errors, all on stderr."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from rich.console import Console
from rich.text import Text

from ...errors import PulsarCamError
from ...text import utc_text
from .terminal import fitted, without_echo
from .wording import with_options

if TYPE_CHECKING:
    from ...measure.stages import Stages

errors = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)

_LIVE_PERIOD_S = 0.25
_LINE_PERIOD_S = 1.0
_RESERVED_COLUMNS = 4  # for the spinner, and so that nothing is ever written into the last column


def set_up_logging(verbose: int) -> None:
    """Show warnings; with -v also what is going on, with -vv everything of ours."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    handler = _ConsoleHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s" if verbose else "%(message)s", "%H:%M:%S"))
    logger = logging.getLogger("pulsar_cam")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level)


def _spinner() -> str:
    return "line" if errors.options.ascii_only else "dots"


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON line, in which texts of the library name options."""
    print(with_options(json.dumps(values)), flush=True)


class _ConsoleHandler(logging.Handler):
    """Prints above the live line, and never breaks a sentence in two."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        try:
            errors.print(with_options(self.format(record)))
        except Exception:
            self.handleError(record)


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C and SIGTERM set, so that a run can end in good order; a second one interrupts it."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Stats(Protocol):
    """Counters that can be shown."""

    @property
    def has_begun(self) -> bool:
        """Whether there was a session with Pulsar."""

    @property
    def parts(self) -> Sequence[str]:
        """What a line at a terminal says, the most important first."""

    @property
    def stages(self) -> Stages:
        """Where the time of the frames goes."""

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""


class StatusLine:
    """Shows counters while a command runs: a live line at a terminal, a JSON line a second, or nothing.

    With stages, there is a second live line at a terminal, and otherwise two log lines a second.
    """

    def __init__(self, stats: Stats, command: str, *, as_json: bool, with_stages: bool = False) -> None:
        self._stats, self._command, self._as_json, self._with_stages = stats, command, as_json, with_stages
        self._live = None if as_json or not errors.is_terminal else errors.status("", spinner=_spinner())
        self._quiet = contextlib.ExitStack()
        self._period_s = _LIVE_PERIOD_S if self._live else _LINE_PERIOD_S
        self._shown_at_s = self._started_at_s = time.monotonic()

    def __enter__(self) -> Self:
        if self._live:
            self._quiet.enter_context(without_echo())
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        self._quiet.close()

    def tick(self) -> None:
        """Show the counters if it is time; cheap to call often."""
        if time.monotonic() - self._shown_at_s < self._period_s:
            return
        self._shown_at_s = time.monotonic()
        if self._live:
            self._live.update(Text(self._fitting_lines, no_wrap=True, overflow="crop"))
        elif self._as_json:
            self._print_json("status")
        elif self._with_stages:
            errors.print(self._lines)

    @property
    def _lines(self) -> str:
        line = with_options("  ".join(filter(None, self._stats.parts)))
        return f"{line}\n  {self._stats.stages.text}" if self._with_stages else line

    @property
    def _fitting_lines(self) -> str:
        columns = errors.width - _RESERVED_COLUMNS
        line = fitted([with_options(part) for part in self._stats.parts], columns)
        if not self._with_stages:
            return line
        return f"{line}\n{fitted(['p50/p95/p99 ms', *self._stats.stages.lines], columns)}"

    @contextmanager
    def summary(self, sentence: Callable[[], str]) -> Iterator[None]:
        """Print at the end how it went, also after an error, unless that came before anything else."""
        try:
            yield
        except PulsarCamError:
            if self._stats.has_begun:
                self._print_summary(sentence())
            raise
        self._print_summary(sentence())

    def _print_summary(self, sentence: str) -> None:
        if self._live:
            self._live.stop()  # as long as it lives, rich takes what goes to stdout to its own console, stderr
        if self._as_json:
            self._print_json("summary")
        else:
            stages = self._stats.stages.text
            print(
                f"{sentence} in {self._elapsed_s:.1f} s" + (f"\n  p50/p95/p99: {stages}" if stages else ""),
                flush=True,
            )

    def _print_json(self, event: str) -> None:
        when = {"at": utc_text(time.time_ns()), "elapsed_s": round(self._elapsed_s, 1)}
        print_json({"command": self._command, "event": event, **when, **self._stats.as_dict()})

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started_at_s
