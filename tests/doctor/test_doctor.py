"""The doctor's judgement of what it finds, and how it survives what breaks; no node."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from pulsar_cam.doctor import Finding, diagnose, exchange, facts, machine, node
from pulsar_cam.doctor.exchange import ClockSample, Exchange, clock_offset
from pulsar_cam.doctor.facts import Answers, TopicFacts
from pulsar_cam.errors import (
    NamespaceNotFound,
    NodeUnreachable,
    NotAuthenticated,
    NotAuthorized,
    RequestRejected,
    TlsFailed,
    TokenUnavailable,
    TopicNotFound,
)
from pulsar_cam.health.finding import in_time
from pulsar_cam.pulsar.admin import Security
from pulsar_cam.pulsar.credentials import Token
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.sources import devices

from ..lab.fake_camera import camera_environment, write_pattern_jpegs

URL = "http://localhost:8080"
TOPIC = Topic.parse("video-stream")
MS = 1_000_000
DOWN = NodeUnreachable(URL, "connection refused")
STRANGER = NotAuthenticated(URL)
NOT_TAKEN = NotAuthenticated(URL, "the node does not accept the token", "ask its administrator")
LATER = datetime(2100, 1, 2, tzinfo=UTC)
SOON = datetime.now(UTC) + timedelta(days=3)
SECRET = "eyJhbGciOiJIUzI1NiJ9.secret"
WELL = Answers(
    endpoint=Endpoint.of(URL),
    topic=TOPIC,
    version="4.0.8",
    version_for_strangers="4.0.8",
    settings={"webSocketMaxTextFrameSize": "8388608", "maxMessageSize": "5242880"},
    described=TopicFacts(0, {"subscriptions": {}}, {}),
    exchanged=Exchange([ClockSample(0, MS, 3 * MS)], [0.003, 0.004, 0.009]),
)
WITH_TOKEN = replace(WELL, endpoint=Endpoint.of(URL, credentials=Token(SECRET)))


def settings(**values: int) -> Answers:
    return replace(WELL, settings={name: str(value) for name, value in values.items()})


def described(partitions: int = 0, retention: dict[str, int] | None = None, **stats: Any) -> Answers:
    return replace(WELL, described=TopicFacts(partitions, stats, retention or {}))


def clocks(*samples: tuple[int, int, int]) -> Answers:
    return replace(WELL, exchanged=Exchange([ClockSample(*(value * MS for value in each)) for each in samples]))


def at(service_url: str, ws_url: str | None = None) -> Answers:
    endpoint = Endpoint.of(service_url, ws_url=ws_url, credentials=Token(SECRET), allow_plain_text_token=True)
    return replace(WELL, endpoint=endpoint)


JUDGEMENTS: list[tuple[Callable[[Answers], Finding], Answers, str, str, str]] = [
    (node.node, WELL, "ok", "Pulsar 4.0.8 answers", ""),
    (node.node, replace(WELL, version=STRANGER), "ok", "a node answers", ""),
    (node.node, replace(WELL, version=DOWN, exchanged=DOWN), "problem", "connection refused", "node start"),
    (node.node, replace(WELL, version=DOWN), "warning", "only the WebSocket API", "`admin_url`"),
    (node.auth, WELL, "ok", "no token is needed", ""),
    (node.auth, replace(WELL, version=STRANGER), "problem", "wants a token", "`credentials`"),
    (node.auth, replace(WITH_TOKEN, version=NOT_TAKEN), "problem", "does not accept", "administrator"),
    (node.auth, replace(WITH_TOKEN, version=TokenUnavailable("it is empty", "fill")), "problem", "empty", "fill"),
    (node.auth, replace(WITH_TOKEN, version_for_strangers=STRANGER), "ok", "is accepted", ""),
    (node.auth, WITH_TOKEN, "ok", "not needed", ""),
    (
        node.auth,
        replace(WITH_TOKEN, version_for_strangers=STRANGER, token_expires_at=LATER),
        "ok",
        "accepted, until 2100-01-02 00:00:00 UTC",
        "",
    ),
    (node.tls, WELL, "ok", "not needed within this machine", ""),
    (node.tls, at("http://camera-host"), "warning", "unencrypted", "https://"),
    (node.tls, replace(at("https://host"), security=Security("TLSv1.3", LATER)), "ok", "TLSv1.3, ", ""),
    (node.tls, replace(at("https://host"), security=Security("TLSv1.3", SOON)), "warning", "good until", "renew"),
    (node.tls, replace(at("https://host"), security=DOWN), "skipped", "refused", ""),
    (node.node, replace(WELL, version=TlsFailed(URL, "why", "do this")), "problem", "why", "do this"),
    (node.websocket, replace(WELL, exchanged=TlsFailed(URL, "why", "do this")), "problem", "why", "do this"),
    (
        node.auth,
        replace(WITH_TOKEN, version=DOWN, exchanged=NOT_TAKEN),
        "problem",
        "does not accept",
        "administrator",
    ),
    (node.auth, at("http://camera-host:8080"), "warning", "unencrypted", "https://"),
    (node.auth, at("https://camera-host", ws_url="ws://camera-host"), "warning", "unencrypted", "wss://"),
    (node.auth, at("https://camera-host"), "ok", "token", ""),
    (node.websocket, WELL, "ok", "ws://localhost:8080", ""),
    (node.websocket, replace(WELL, exchanged=DOWN), "problem", "no session opens", "webSocketServiceEnabled"),
    (node.websocket, replace(WELL, exchanged=NotAuthorized("publish")), "warning", "may not publish", str(TOPIC)),
    (node.websocket, replace(WELL, exchanged=TopicNotFound("t")), "ok", "no topic by itself", ""),
    (node.websocket, replace(WELL, exchanged=RequestRejected("publish", 500, "why")), "problem", "why", ""),
    (node.websocket, replace(WELL, exchanged=NamespaceNotFound("a/b")), "problem", "a/b", ""),
    (node.topic, WELL, "ok", "not partitioned, no subscription", ""),
    (
        node.topic,
        replace(WELL, described=TopicNotFound("t")),
        "warning",
        "not exist",
        f"create-topic --topic {TOPIC}",
    ),
    (node.topic, replace(WELL, described=NamespaceNotFound("a/b")), "problem", "a/b does not exist", "administrator"),
    (node.topic, replace(WELL, described=NotAuthorized("look")), "skipped", "not allowed to look", ""),
    (node.topic, described(3), "ok", "3 partitions", ""),
    (
        node.topic,
        described(retention={"retentionTimeInMinutes": 60, "retentionSizeInMB": -1}),
        "ok",
        "keeps 60 minutes, no",
        "",
    ),
    (node.topic, described(backlogSize=70, backlogQuotaLimitSize=100), "ok", "no subscription", ""),
    (node.topic, described(backlogSize=90, backlogQuotaLimitSize=100), "warning", "at 90% of its limit", "delete"),
    (node.topic, described(backlogSize=90, backlogQuotaLimitSize=-1), "ok", "no subscription", ""),
    (node.topic, described(subscriptions={"a\x1b[31m": {"msgBacklog": 7}}), "ok", "a\ufffd[31m (7 behind)", ""),
    (node.topic, described(subscriptions={str(n): {} for n in range(8)}), "ok", "4 (0 behind), 3 more", ""),
    (node.frame_limit, WELL, "ok", "5238 kB", ""),
    (node.frame_limit, settings(), "warning", "783 kB", "webSocketMaxTextFrameSize to 1400000 or more"),
    (
        node.frame_limit,
        settings(webSocketMaxTextFrameSize=8_388_608, maxMessageSize=500_000),
        "warning",
        "495 kB",
        "raise maxMessageSize to 1010000",
    ),
    (node.frame_limit, replace(WELL, settings=NotAuthorized("read the settings")), "skipped", "not allowed", ""),
    (node.frame_limit, at(URL, ws_url="ws://proxy:8080"), "skipped", "separate WebSocket proxy", ""),
    (node.idle_timeout, settings(), "warning", "after 300 s of silence", "=60000"),
    (
        node.idle_timeout,
        settings(webSocketSessionIdleTimeoutMillis=-1),
        "warning",
        "holds its subscription",
        "=60000",
    ),
    (node.idle_timeout, settings(webSocketSessionIdleTimeoutMillis=60_000), "ok", "ping every 1 s", ""),
    (node.idle_timeout, settings(webSocketSessionIdleTimeoutMillis=5000), "ok", "after 5 s", ""),
    (node.idle_timeout, settings(webSocketSessionIdleTimeoutMillis=2000), "problem", "after 2 s", "=60000"),
    (node.idle_timeout, settings(webSocketPingDurationSeconds=2), "warning", "for ever", "=-1"),
    (node.idle_timeout, replace(WELL, settings=DOWN), "skipped", "connection refused", ""),
    (node.clock, WELL, "ok", "0.0 ms", ""),
    (node.clock, clocks((1000, 901, 1003)), "ok", "100.0 ms behind ours, give or take 2.0 ms", ""),
    (node.clock, clocks((0, 500, 2)), "warning", "499.5 ms ahead of ours", "chrony"),
    (node.clock, clocks((0, 500, 900)), "ok", "give or take 450.5 ms", ""),
    (node.clock, clocks(), "skipped", "no message came back", ""),
    (node.clock, replace(WELL, exchanged=Exchange(refusal=NotAuthorized("subscribe"))), "skipped", "subscribe", ""),
    (node.clock, replace(WELL, exchanged=STRANGER), "skipped", "no WebSocket session", ""),
    (node.round_trip, WELL, "ok", "100 kB are confirmed after 4.0 ms (median of 3)", ""),
    (node.round_trip, clocks(), "skipped", "no message", ""),
]


@pytest.mark.parametrize(("check", "facts", "state", "says", "change"), JUDGEMENTS)
def test_judgement(check: Callable[[Answers], Finding], facts: Answers, state: str, says: str, change: str) -> None:
    finding = check(facts)
    assert finding.state == state
    assert says in finding.says
    assert change in finding.change
    assert bool(change) == bool(finding.change)
    assert SECRET not in str(finding)


def test_clock_offset_is_bounded_by_the_best_of_all_messages() -> None:
    fast_out, fast_back = ClockSample(0, 51 * MS, 90 * MS), ClockSample(100 * MS, 190 * MS, 141 * MS)
    assert clock_offset([fast_out, fast_back]) == pytest.approx((0.0505, 0.0015))


def test_a_check_that_breaks_is_a_finding() -> None:
    def breaks() -> Finding:
        raise KeyError("\x1b[31m")

    finding = asyncio.run(in_time("broken", breaks, 30))
    assert (finding.state, finding.check) == ("problem", "broken")
    assert "KeyError" in finding.says
    assert finding.says.isprintable()


def test_a_check_that_hangs_is_left_behind() -> None:
    release = threading.Event()

    def hangs() -> Finding:
        release.wait(60)
        return Finding("hanging", "ok", "too late")

    finding = asyncio.run(in_time("hanging", hangs, 0.05))
    release.set()
    assert (finding.state, "no answer within 0.05 s" in finding.says) == ("warning", True)


def test_nonsense_from_the_node_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(_endpoint: Endpoint, _topic: Topic) -> Answers:
        return described(subscriptions=["nonsense"])

    monkeypatch.setattr(node, "ask", ask)
    findings = {each.check: each for each in asyncio.run(node.examine(WELL.endpoint, TOPIC))}
    assert "the check itself failed" in findings["topic"].says
    assert findings["clock"].state == "ok"


def test_oldest_versions_are_those_of_the_project() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    oldest = machine.OLDEST | {"opencv-python": machine.OLDEST_OPENCV}
    for name, version in oldest.items():
        (wanted,) = (each for each in project["dependencies"] if each.startswith(name))
        assert wanted == f"{name}>={'.'.join(map(str, version))}"
    assert project["requires-python"] == f">={'.'.join(map(str, machine.OLDEST_PYTHON))}"


def test_old_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "9.1" if name == "websockets" else real(name))
    finding = machine.versions()
    assert (finding.state, "websockets 9.1" in finding.says) == ("problem", True)
    assert finding.change.endswith("--upgrade websockets")


def test_two_builds_of_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _name: "4.10.0.84")
    finding = machine.opencv()
    assert finding.state == "problem"
    assert "opencv-python-headless" in finding.says
    assert finding.change.startswith("pip uninstall -y opencv-python ")


def test_no_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "list_cameras", list)
    finding = machine.camera(None)
    assert (finding.state, finding.says) == ("warning", "this machine has no camera")
    assert "--source test-pattern:" in finding.change


def test_a_camera_that_was_asked_for_must_work() -> None:
    finding = machine.camera("97")
    assert (finding.state, finding.says) == ("problem", "camera 97 not found")


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


def test_what_needs_opencv_is_skipped_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def states() -> dict[str, str]:
        endpoint = Endpoint.of("http://127.0.0.1:1")
        return {each.check: each.state async for each in diagnose(endpoint, TOPIC, device="0")}

    monkeypatch.setattr(machine, "opencv", lambda: Finding("OpenCV", "problem", "cannot be loaded"))
    found = asyncio.run(states())
    assert (found["display"], found["camera"], found["versions"]) == ("skipped", "skipped", "ok")


def test_a_node_that_is_not_there_leaves_the_rest_skipped() -> None:
    status, found = run_doctor("--service-url", "http://127.0.0.1:1")
    assert (status, found["node"]["state"]) == (1, "problem")
    after = list(found)[list(found).index("node") + 1 :]
    assert after == ["tls", "auth", "websocket", "topic", "frame limit", "idle timeout", "clock", "round trip"]
    assert {found[name]["state"] for name in after} == {"skipped"}


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The address of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_node_that_hangs(monkeypatch: pytest.MonkeyPatch, silent_url: str) -> None:
    monkeypatch.setattr(facts, "ANSWER_S", 0.2)
    monkeypatch.setattr(exchange, "LIMIT_S", 0.2)

    async def findings() -> list[Finding]:
        return [each async for each in diagnose(Endpoint.of(silent_url), TOPIC)]

    found = {each.check: each for each in asyncio.run(findings())}
    assert (found["node"].state, "no answer within 0.2 s" in found["node"].says) == ("problem", True)
    assert found["websocket"].state == "skipped"


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
