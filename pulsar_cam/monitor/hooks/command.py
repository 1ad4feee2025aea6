"""A program that is run when the state of a stream changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
from typing import Any

from ...errors import HookFailed, InvalidOption

_PARAMETER = "command"
_SECRETS = frozenset({"PULSAR_CAM_TOKEN", "PULSAR_CAM_CLIENT_KEY_PASSWORD", "PULSAR_CAM_WEBHOOK"})
_VARIABLES = {
    "PULSAR_CAM_STATE": "state",
    "PULSAR_CAM_BEFORE": "before",
    "PULSAR_CAM_REASON": "reason",
    "PULSAR_CAM_PART": "part",
    "PULSAR_CAM_DOWNTIME_S": "downtime_s",
}
_DEATH_TIMEOUT_S = 1.0


class Command:
    """Runs a program, without a shell, with the change as JSON on its standard input and in its environment.

    Args:
        text: program and arguments, quoted as in a shell.

    Raises:
        InvalidOption: no command, or a program that is not there.
    """

    name = "the on-change command"

    def __init__(self, text: str) -> None:
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise InvalidOption(_PARAMETER, "(hidden)", f"expected a program and its arguments: {error}") from error
        program = shutil.which(words[0]) if words else None
        if not program:
            shown = words[0] if words else text
            raise InvalidOption(
                _PARAMETER, shown, "there is no such program; check the spelling, or give its whole path"
            )
        self._words = [program, *words[1:]]

    async def deliver(self, change: dict[str, Any]) -> None:
        """Run the program to its end.

        If that is cancelled, the program and what it has started are killed.

        Raises:
            HookFailed: it cannot be started, or its exit code is not 0.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,  # ours is for JSON lines, or for the dashboard
                stderr=subprocess.DEVNULL,
                env=environment_of(change),
                start_new_session=True,
            )
        except OSError as error:
            raise HookFailed(self.name, f"it cannot be started: {error.strerror}", "run it by hand") from error
        try:
            await process.communicate(json.dumps(change).encode())
        finally:
            if process.returncode is None:
                await _kill(process)
        if process.returncode:
            raise HookFailed(self.name, f"it ended with exit code {process.returncode}", "run it by hand to see why")


def environment_of(change: dict[str, Any]) -> dict[str, str]:
    """Return the environment of the program: ours without what is secret, and the change."""
    ours = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    return ours | {name: str(change[key]) for name, key in _VARIABLES.items()}


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill a process and its children."""
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            words = ("taskkill", "/F", "/T", "/PID", str(process.pid))
            await asyncio.create_subprocess_exec(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DEATH_TIMEOUT_S):
            await process.wait()
