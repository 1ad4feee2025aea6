"""Lines that fit into a terminal, in characters that it has, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

import pytest

from pulsar_cam.cli.output.terminal import fitted

WELL = (
    "connected", "30.0 fps", "age 8 ms ±2", "dropped 12", "missing 0", "", "1280x720 q80", "p95 14 p99 30 ms",
    "shown 8000", "received 8012", "superseded 10, too_old 2",
)  # fmt: skip
LOST = ("reconnecting: no Pulsar node answers at ws://pulsar:8080 (connection refused); start one", "0.0 fps")


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (120, "connected  30.0 fps  age 8 ms ±2  dropped 12  missing 0  1280x720 q80  p95 14 p99 30 ms  shown 8000"
              "  received 8012"),
        (80, "connected  30.0 fps  age 8 ms ±2  dropped 12  missing 0  1280x720 q80"),
        (60, "connected  30.0 fps  age 8 ms ±2  dropped 12  missing 0"),
        (40, "connected  30.0 fps  age 8 ms ±2"),
        (10, "connected"),
    ],
)  # fmt: skip
def test_a_narrow_terminal_leaves_out_the_least_important(columns: int, line: str) -> None:
    assert fitted(WELL, columns) == line


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (100, "  ".join(LOST)),
        (80, "reconnecting: no Pulsar node answers at ws://pulsar:8080 (connection..."),
        (40, "reconnecting: no Pulsar node answers..."),
    ],
)
def test_a_state_that_is_too_long_is_shortened_by_whole_words(columns: int, line: str) -> None:
    assert fitted(LOST, columns) == line


def test_characters_of_two_columns_count_twice() -> None:
    assert fitted(["connected: 倉庫のカメラ", "30.0 fps"], 32) == "connected: 倉庫のカメラ"
    assert fitted(["connected: 倉庫のカメラ", "30.0 fps"], 33) == "connected: 倉庫のカメラ  30.0 fps"


@pytest.mark.parametrize("encoding", ["ascii", "koi8-r", "latin-1"])
@pytest.mark.parametrize("words", ["print('± 倉庫')", "console.errors.print('± 倉庫')"])
def test_what_an_encoding_lacks_becomes_a_question_mark(encoding: str, words: str) -> None:
    program = (
        "from pulsar_cam.cli.output import console, terminal\n"
        f"terminal.replace_what_cannot_be_shown()\n{words}\nprint('done')"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, b"done")
    shown = (ended.stderr or ended.stdout).decode(encoding)
    assert shown.startswith("± ??" if encoding == "latin-1" else "? ??")


def test_a_command_ends_well_in_any_encoding() -> None:
    command = [
        sys.executable,
        "-m",
        "pulsar_cam",
        "doctor",
        "--topic",
        "камера",
        "--service-url",
        "http://127.0.0.1:9",
    ]
    ended = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, timeout=60)
    assert b"Traceback" not in ended.stderr
    assert b"problem" in ended.stdout.splitlines()[-1]


ECHOES = """
import time
from pulsar_cam.cli.output.terminal import without_echo
with without_echo():
    print("quiet", flush=True)
    input()
    print("heard", flush=True)
print("loud", flush=True)
input()
"""


def test_typed_keys_are_not_shown_within_a_live_line_and_are_afterwards() -> None:
    pty = pytest.importorskip("pty")
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-c", ECHOES])
    shown = b""
    for word, typed in ((b"quiet\r\n", b"secret\n"), (b"loud\r\n", b"open\n")):
        while word not in shown:
            shown += os.read(terminal, 1000)
        os.write(terminal, typed)
    with contextlib.suppress(OSError):  # how the end of a terminal looks on Linux
        while part := os.read(terminal, 1000):
            shown += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert b"secret" not in shown
    assert shown.replace(b"\r", b"").split() == [b"quiet", b"heard", b"loud", b"open"]


BACKGROUND = """
import os, signal, sys, time
from pulsar_cam.cli.output.terminal import without_echo
if os.fork() == 0:
    os.setpgid(0, 0)
    with without_echo():
        print("not stopped", flush=True)
    os._exit(0)
os.wait()
"""


def test_a_process_in_the_background_is_not_stopped_for_it() -> None:
    pty = pytest.importorskip("pty")
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-c", BACKGROUND])
    shown, until_s = b"", time.monotonic() + 20
    with contextlib.suppress(OSError):
        while time.monotonic() < until_s and (part := os.read(terminal, 1000)):
            shown += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert b"not stopped" in shown
