"""The command line: the library's first user, and the only part that prints. One file per command."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from importlib import metadata
from typing import Annotated

import typer

from ..errors import InvalidOption, PulsarCamError
from ..runtime.allocator import keep_one_arena
from . import create_topic, demo, doctor, monitor, node, publish, report, watch
from .output.console import errors
from .output.terminal import replace_what_cannot_be_shown
from .output.wording import Command, with_options

_OUTPUT_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

app = typer.Typer(
    name="pulsar-cam",
    help="A camera stream through Apache Pulsar: publish it once, watch it anywhere.",
    epilog="First time? Try: pulsar-cam demo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pulsar-cam {metadata.version('pulsar-cam')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version, and end.")
    ] = False,
) -> None:
    pass


app.command("publish", cls=Command, epilog=publish.EXAMPLES)(publish.publish)
app.command("watch", cls=Command, epilog=watch.EXAMPLES)(watch.watch)
app.command("create-topic", cls=Command, epilog=create_topic.EXAMPLES)(create_topic.create_topic)
app.command("demo", cls=Command, epilog=demo.EXAMPLES)(demo.demo)
app.command("doctor", cls=Command, epilog=doctor.EXAMPLES)(doctor.doctor)
app.command("monitor", cls=Command, epilog=monitor.EXAMPLES)(monitor.monitor)
app.command("report", cls=Command, epilog=report.EXAMPLES)(report.report)
app.add_typer(node.app, name="node")


def run() -> int:
    """Run one command and return its exit code: 0 done, 1 a failure, 2 wrong usage, 130 interrupted."""
    keep_one_arena()
    replace_what_cannot_be_shown()
    try:
        app(prog_name="pulsar-cam")
        status = 0
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else 1
    except PulsarCamError as error:
        errors.print(f"error: {with_options(str(error))}", style="red")
        status = 2 if isinstance(error, InvalidOption) else 1
    except BrokenPipeError:  # the reader of our output has gone, as with "| head"
        _write_no_more()
        status = 1
    except OSError as error:
        if error.errno not in _OUTPUT_FULL:
            raise
        _write_no_more()
        with contextlib.suppress(OSError):
            errors.print(f"error: the output could not be written: {error.strerror}; make room, or send it elsewhere")
        status = 1
    _leave_stuck_threads(status)
    return status


def _write_no_more() -> None:
    """Let what waits to be written go nowhere, or Python would complain about it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave_stuck_threads(status: int) -> None:
    """End at once if a driver or the network still blocks a daemon thread: a normal exit could crash in it."""
    if any(thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()):
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
