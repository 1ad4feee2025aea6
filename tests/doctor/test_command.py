"""``pulsar-cam doctor``, as a person runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ..lab.fake_camera import camera_environment, write_pattern_jpegs
from .answers import SECRET


@pytest.mark.skipif(sys.platform != "linux", reason="the fake camera is one of Linux")
def test_camera_that_gives_frames_and_one_that_is_busy(tmp_path: Path) -> None:
    write_pattern_jpegs(tmp_path, 3)
    arguments = ("--device", "0", "--service-url", "http://127.0.0.1:1")
    found = run_doctor(*arguments, environment=camera_environment(tmp_path))[1]
    assert (found["camera"]["state"], "640x480" in found["camera"]["says"]) == ("ok", True)
    found = run_doctor(*arguments, environment=camera_environment(tmp_path, fault="busy"))[1]
    assert (found["camera"]["state"], "used by another program" in found["camera"]["says"]) == ("problem", True)


@pytest.mark.skipif(sys.platform != "linux", reason="the loader's variable is one of Linux")
def test_missing_system_library(tmp_path: Path) -> None:
    (tmp_path / "libgthread-2.0.so.0").touch()  # the loader finds this one first, and refuses it
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    status, found = run_doctor("--service-url", "http://127.0.0.1:1", environment=environment)
    assert (status, found["OpenCV"]["state"]) == (1, "problem")
    assert "libgthread-2.0.so.0" in found["OpenCV"]["says"]
    assert "apt-get install" in found["OpenCV"]["change"]


def test_a_node_that_is_not_there_leaves_the_rest_skipped() -> None:
    status, found = run_doctor("--service-url", "http://127.0.0.1:1")
    assert (status, found["node"]["state"]) == (1, "problem")
    after = list(found)[list(found).index("node") + 1 :]
    assert after == ["tls", "auth", "websocket", "topic", "frame limit", "idle timeout", "clock", "round trip"]
    assert {found[name]["state"] for name in after} == {"skipped"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_interrupted(silent_url: str, ending: signal.Signals) -> None:
    with subprocess.Popen(
        command("--service-url", silent_url), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout
        run.stdout.readline()
        run.send_signal(ending)
        _, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (130, b"")


class _WantsToken(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Bearer {SECRET}"
        body = b"4.0.8" if known else b"<html>Authentication required"
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def guarded_url() -> Iterator[str]:
    """The address of what behaves like a node that wants a token, as far as its version goes."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _WantsToken) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_token_is_tried_and_never_shown(guarded_url: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(SECRET)
    found = run_doctor("--service-url", guarded_url, "--token-file", str(token), "-vv")[1]
    assert (found["auth"]["state"], found["auth"]["says"]) == ("ok", "the token is accepted")
    token.write_text("expired")
    found = run_doctor("--service-url", guarded_url, "--token-file", str(token))[1]
    assert (found["node"]["state"], found["auth"]["state"]) == ("ok", "problem")
    assert {found[name]["state"] for name in ("websocket", "topic", "frame limit", "clock")} == {"skipped"}
    found = run_doctor("--service-url", guarded_url)[1]
    assert found["auth"]["says"] == "the node wants a token, and none is given"


def test_plain_lines_for_pipes() -> None:
    done = subprocess.run(command("--service-url", "http://127.0.0.1:1"), capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert lines[0].split()[:2] == ["ok", "OpenCV"]
    assert [line for line in lines if line.startswith("problem  node          no Pulsar node answers")]
    assert "\x1b" not in done.stdout
    assert lines[-1].startswith("1 problem, ")


def test_wrong_options_end_before_anything_is_checked() -> None:
    done = subprocess.run(command("--topic", "a b"), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pulsar_cam", "doctor", *arguments]


def run_doctor(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, dict[str, dict[str, str]]]:
    done = subprocess.run(command(*arguments, "--json"), env=environment, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stdout + done.stderr
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {each["check"]: each for each in findings}
