"""What is called when the state changes: whatever it does, the monitor goes on."""

from __future__ import annotations

import http.server
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from pulsar_cam.errors import HookFailed, InvalidOption
from pulsar_cam.health.finding import State
from pulsar_cam.monitor.hooks import hooks as hooks_module
from pulsar_cam.monitor.hooks.command import Command, environment_of
from pulsar_cam.monitor.hooks.hooks import Hook, Hooks
from pulsar_cam.monitor.hooks.webhook import Webhook

from ...lab.xvfb import wait_until
from ..views import view

SECRET = "T0/B0/a-secret"


@pytest.fixture(autouse=True)
def _a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs may take their time to start."""
    monkeypatch.setattr(hooks_module, "LAST_CALLS_S", 30.0)


class Recorder:
    """A hook that notes what it is called with, and fails or waits when asked to."""

    name = "the recorder"

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.problem = ""

    async def deliver(self, change: dict[str, Any]) -> None:
        self.told.append(change)
        if self.problem:
            raise HookFailed(self.name, self.problem, "mend it")


def follow(hooks: Hooks, states: str) -> None:
    letters: dict[str, State] = {"o": "ok", "w": "warning", "p": "problem"}
    for second, letter in enumerate(states):
        hooks.follow(view(letters[letter], second))


def python(tmp_path: Path, program: str) -> Command:
    """A command that runs a Python program."""
    path = tmp_path / "a hook.py"
    path.write_text(program)
    return Command(f"{sys.executable} '{path}' 'two words'")


@contextmanager
def server(answer: int | None, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give the URL of a server, and what was posted to it; without an answer it stays silent."""
    posted: list[dict[str, Any]] = []
    ended = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if answer is None:
                ended.wait(30)
                return
            self.send_response(answer)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/{SECRET}", posted
        finally:
            ended.set()
            running.shutdown()
            thread.join()


def test_every_hook_is_told_of_every_change_once() -> None:
    first, second = Recorder(), Recorder()
    with Hooks([first, second], "front-door") as hooks:
        follow(hooks, "oopppp")
        wait_until(lambda: len(first.told) == len(second.told) == 1, "call")
        follow(hooks, "oo")
    assert [change["state"] for change in first.told] == ["problem", "ok"]
    assert first.told == second.told
    assert first.told[0]["topic"] == "front-door"


def test_what_is_pending_at_the_end_is_told() -> None:
    recorder = Recorder()
    with Hooks([recorder], "front-door") as hooks:
        follow(hooks, "pp")
    assert [change["state"] for change in recorder.told] == ["problem"]


def test_nothing_to_call_is_fine() -> None:
    with Hooks([], "front-door") as hooks:
        assert hooks.follow(view("problem")) is None
        change = hooks.follow(view("problem", 1))
    assert change
    assert change.state == "problem"


def test_a_command_gets_the_change_and_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULSAR_CAM_TOKEN", "PULSAR_CAM_CLIENT_KEY_PASSWORD", "PULSAR_CAM_WEBHOOK"):
        monkeypatch.setenv(name, SECRET)
    told = tmp_path / "calls"
    program = (
        "import json, os, sys\n"
        f"json.dump([json.load(sys.stdin), dict(os.environ), sys.argv], open({str(told)!r}, 'w'))"
    )
    with Hooks([python(tmp_path, program)], "front-door") as hooks:
        follow(hooks, "pp")
    change, environment, arguments = json.loads(told.read_text())
    assert change["reason"] == environment["PULSAR_CAM_REASON"] == "node: connection refused"
    assert (environment["PULSAR_CAM_STATE"], environment["PULSAR_CAM_BEFORE"]) == ("problem", "ok")
    assert (environment["PULSAR_CAM_PART"], environment["PULSAR_CAM_DOWNTIME_S"]) == ("node", "1.0")
    assert arguments[1:] == ["two words"]
    assert SECRET not in environment.values()


def test_an_environment_keeps_what_is_not_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSAR_CAM_TOPIC", "front-door")
    change = {"state": "ok", "before": "problem", "reason": "", "part": "node", "downtime_s": 3.0}
    environment = environment_of(change)
    assert (environment["PULSAR_CAM_TOPIC"], environment["PATH"]) == ("front-door", os.environ["PATH"])


@pytest.mark.parametrize("text", ["", "  ", "no-such-program --x", "'unfinished"])
def test_a_command_that_cannot_run_is_refused_at_once(text: str) -> None:
    with pytest.raises(InvalidOption, match=r"^`command`"):
        Command(text)


def test_a_command_without_a_shell_takes_text_as_it_is(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    with Hooks([Command(f"echo x; touch {touched}"), Command("echo $(true) > /nowhere")], "front-door") as hooks:
        follow(hooks, "pp")
    assert not touched.exists()


def test_a_command_that_hangs_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hooks_module, "TIMEOUT_S", 1.5)  # a shell has started by then, Python may not have
    pids = tmp_path / "pids"
    hanging = Command(f"sh -c 'sleep 600 & echo $$ $! > \"$0\"; wait' '{pids}'")
    with Hooks([hanging], "front-door") as hooks:
        follow(hooks, "pp")
        wait_until(lambda: "it took more than 1.5 s" in caplog.text, "time-out")
        killed = [int(pid) for pid in pids.read_text().split()]
        wait_until(lambda: not any(map(is_alive, killed)), "end of both")
    assert len(killed) == 2


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_command_that_hangs_at_the_end_is_killed_and_what_it_was_not_told_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hooks_module, "LAST_CALLS_S", 0.5)
    started = tmp_path / "started"
    program = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid()) + ' '); time.sleep(600)"
    with Hooks([python(tmp_path, program)], "front-door") as hooks:
        follow(hooks, "pp")
        wait_until(lambda: started.exists() and started.read_text().endswith(" "), "start")
    assert not is_alive(int(started.read_text()))
    assert "took too long to hear that the state is problem" in caplog.text


def test_the_newest_change_is_what_a_slow_hook_is_told_next(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    go_on, told = tmp_path / "go on", tmp_path / "calls"
    program = (
        "import os, time\n"
        f"open({str(told)!r}, 'a').write(os.environ['PULSAR_CAM_STATE'] + ' ')\n"
        f"while not os.path.exists({str(go_on)!r}): time.sleep(0.01)"
    )
    with Hooks([python(tmp_path, program)], "front-door") as hooks:
        follow(hooks, "pp")
        wait_until(told.exists, "first call")
        follow(hooks, "wwppoo")
        go_on.touch()
    assert told.read_text() == "problem ok "
    assert "it will not hear that the state became warning" in caplog.text


def test_failures_are_said_once_per_kind(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    recorder.problem = "it is broken"
    with Hooks([recorder], "front-door") as hooks:
        for calls in range(1, 6):
            follow(hooks, "pp" if calls % 2 else "oo")
            wait_until(lambda calls=calls: len(recorder.told) == calls, "call")  # type: ignore[misc]
    assert caplog.text.count("it is broken") == 1


def test_a_command_that_fails_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Hooks([python(tmp_path, "raise SystemExit(3)")], "front-door") as hooks:
        follow(hooks, "pp")
    assert "the on-change command failed: it ended with exit code 3" in caplog.text


def test_a_hook_that_breaks_is_called_again(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Recorder):
        async def deliver(self, change: dict[str, Any]) -> None:
            await super().deliver(change)
            raise ZeroDivisionError

    broken = Broken()
    with Hooks([broken], "front-door") as hooks:
        follow(hooks, "pp")
        wait_until(lambda: bool(broken.told), "call")
        follow(hooks, "oo")
    assert len(broken.told) == 2
    assert "please report this as a bug" in caplog.text


def test_a_webhook_is_posted_to(caplog: pytest.LogCaptureFixture) -> None:
    with server(204) as (url, posted), caplog.at_level(logging.DEBUG), Hooks([Webhook(url)], "front-door") as hooks:
        follow(hooks, "ppoo")
        wait_until(lambda: bool(posted), "post")
    assert posted[-1]["state"] == "ok"
    assert SECRET not in caplog.text


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_refuses_is_said_and_shows_no_secret(status: int, caplog: pytest.LogCaptureFixture) -> None:
    with server(status, {"Location": "/elsewhere"}) as (url, posted), Hooks([Webhook(url)], "front-door") as hooks:
        follow(hooks, "pp")
        wait_until(lambda: "answers with" in caplog.text, "failure")
    assert f"the webhook failed: it answers with HTTP {status}" in caplog.text
    assert len(posted) == 1
    assert SECRET not in caplog.text


def test_a_busy_webhook_is_tried_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("pulsar_cam.monitor.hooks.webhook.PAUSES_S", (0.0, 0.0))
    with server(503) as (url, posted), Hooks([Webhook(url)], "front-door") as hooks:
        follow(hooks, "pp")
        wait_until(lambda: "HTTP 503" in caplog.text, "failure")
    assert len(posted) == 3


def test_a_webhook_that_is_silent_is_left(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(hooks_module, "TIMEOUT_S", 0.5)
    with server(None) as (url, _), Hooks([Webhook(url)], "front-door") as hooks:
        follow(hooks, "pp")
        wait_until(lambda: "it took more than 0.5 s" in caplog.text, "time-out")
    assert SECRET not in caplog.text


def test_a_webhook_where_nobody_listens_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pulsar_cam.monitor.hooks.webhook.PAUSES_S", (0.0, 0.0))
    with server(204) as (url, _):
        pass
    with Hooks([Webhook(url)], "front-door") as hooks:
        follow(hooks, "pp")
    assert "it cannot be reached (ConnectError)" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example/a-secret",
        "ftp://hooks.example/a-secret",
        "http://hooks.example/a-secret",
        "http://10.0.0.1/a-secret",
        "https:///a-secret",
        "https://[::1/a-secret",
        "https://hooks.example:port/a-secret",
        "https://hooks.example/a-secret\nx",
        "https://hooks.example/a-secret" + "x" * 10_000,
        "file:///a-secret",
    ],
)
def test_a_url_that_cannot_be_or_is_no_secret_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        Webhook(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", [f"https://hooks.example/{SECRET}", f"http://localhost:9000/{SECRET}"])
def test_a_webhook_shows_its_url_nowhere(url: str, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(url + "\n")
    assert SECRET not in repr(Webhook.of_file(tmp_path / "url"))


def test_a_file_without_a_url_is_refused(tmp_path: Path) -> None:
    (tmp_path / "url").write_bytes(b"\xff\x00secret")
    with pytest.raises(InvalidOption, match=r"`path` \(hidden\)"):
        Webhook.of_file(tmp_path / "url")
    with pytest.raises(InvalidOption, match="cannot be read"):
        Webhook.of_file(tmp_path / "none")


def test_the_log_of_httpx_shows_no_url(caplog: pytest.LogCaptureFixture) -> None:
    with server(204) as (url, _), caplog.at_level(logging.INFO):
        Webhook(url)
        httpx.post(url, json={}, trust_env=False)
    assert SECRET not in caplog.text


def of_protocol(hook: Hook) -> Hook:
    return hook


def test_both_are_hooks() -> None:
    assert of_protocol(Command("true")).name != of_protocol(Webhook("http://localhost/")).name
