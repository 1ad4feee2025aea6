"""The server beside a run: what it answers, and that no client can hold it up, fill it, or make it talk."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from pulsar_cam.cli.output import metrics as command
from pulsar_cam.errors import InvalidOption
from pulsar_cam.health.finding import Finding, State
from pulsar_cam.metrics import server as module
from pulsar_cam.metrics.collector import registry_of
from pulsar_cam.metrics.monitor import NewestView
from pulsar_cam.metrics.publisher import publisher_readings
from pulsar_cam.metrics.server import MetricsServer
from pulsar_cam.monitor.view import View
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.topics import Topic
from pulsar_cam.runtime.background import Background
from pulsar_cam.watching.stats import WatchStats

from ..lab.xvfb import wait_until
from .runs import session

TOPIC = Topic.parse("cows")
PATIENCE_S = 30.0


class Health:
    """What is wrong, for the tests to say."""

    def __init__(self) -> None:
        self.dead = self.unready = ""


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def server(health: Health) -> Iterator[MetricsServer]:
    registry = registry_of(publisher_readings(PublishStats(), TOPIC))
    with MetricsServer("127.0.0.1", 0, registry, lambda: health.dead, lambda: health.unready) as server:
        yield server


def get(server: MetricsServer, path: str) -> httpx.Response:
    return httpx.get(server.url + path, trust_env=False, timeout=PATIENCE_S)


def connected(server: MetricsServer) -> socket.socket:
    host, port = server.url.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), PATIENCE_S)


def server_threads() -> int:
    return sum("process_request" in thread.name or thread.name == "metrics" for thread in threading.enumerate())


def test_metrics_are_served_in_the_form_that_is_asked_for(server: MetricsServer) -> None:
    plain = get(server, "/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    assert "pulsar_cam_captured_frames_total" in plain.text
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    strict = httpx.get(f"{server.url}/metrics", headers=accept, trust_env=False)
    assert strict.headers["content-type"].startswith("application/openmetrics-text")
    assert strict.text.endswith("# EOF\n")


def test_a_scrape_can_ask_for_some_metrics_only(server: MetricsServer) -> None:
    some = get(server, "/metrics?name[]=pulsar_cam_connected&name[]=pulsar_cam_captured_frames_total")
    names = [line.split("{")[0] for line in some.text.splitlines() if not line.startswith("#")]
    assert names == ["pulsar_cam_captured_frames_total", "pulsar_cam_connected"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_a_code_and_a_line(server: MetricsServer, health: Health, path: str) -> None:
    for _ in range(2):  # the second answer is as whole as the first
        assert (get(server, path).status_code, get(server, path).text) == (200, "ok\n")
    setattr(health, {"/healthz": "dead", "/readyz": "unready"}[path], "camera-0 stopped:\r\n no cable")
    assert (get(server, path).status_code, get(server, path).text) == (503, "camera-0 stopped: no cable\n")
    other = {"/healthz": "/readyz", "/readyz": "/healthz"}[path]
    assert get(server, other).status_code == 200


def test_other_paths_and_methods_are_told_what_there_is(server: MetricsServer) -> None:
    for path in ("/", "/metrics/", "/../etc/passwd", "/%ff%00", "/healthz%0d%0a"):
        answer = get(server, path)
        assert (answer.status_code, answer.text) == (404, "there are /metrics, /healthz and /readyz\n")
    assert httpx.post(f"{server.url}/metrics", content=b"x" * 100_000, trust_env=False).status_code == 405


def test_a_mistake_of_ours_is_one_line_and_no_traceback(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> str:
        raise ValueError("of ours")

    with MetricsServer("127.0.0.1", 0, registry_of(), fail, str) as server:
        assert get(server, "/healthz").status_code == 500
        assert get(server, "/readyz").status_code == 200
    assert caplog.messages == ["'/healthz' could not be answered: ValueError: of ours"]
    assert capfd.readouterr() == ("", "")


HOSTILE = {
    "nothing": b"",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10,
    "endless line": b"GET /" + b"a" * 200_000,
    "endless headers": b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 10_000,
    "huge header": b"GET /metrics HTTP/1.1\r\na: " + b"b" * 200_000,
    "half a request": b"GET /metr",
    "a body that never comes": b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
    "no length": b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "names": b"GET /metrics?" + b"&".join([b"name[]=%00"] * 5000) + b" HTTP/1.1\r\n\r\n",
    "many fields": b"GET /metrics?" + b"&" * 60_000 + b" HTTP/1.1\r\n\r\n",
    "bad version": b"GET /metrics HTTP/9.9.9\r\n\r\n",
    "other bytes": b"GET /\xff\xfe HTTP/1.1\r\nAccept: \xff\r\nAccept-Encoding: gzip;q=nan\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", HOSTILE.values(), ids=HOSTILE)
def test_a_strange_client_gets_what_it_gets_and_others_are_served(
    server: MetricsServer, request_bytes: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with connected(server) as client, contextlib.suppress(OSError):
        client.sendall(request_bytes)
        assert get(server, "/metrics").status_code == 200
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
    assert get(server, "/healthz").status_code == 200
    assert capfd.readouterr() == ("", "")
    assert not caplog.messages


def test_a_client_that_goes_in_the_middle_of_an_answer_is_not_talked_about(
    server: MetricsServer, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        with connected(server) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, and no end
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    assert get(server, "/metrics").status_code == 200
    assert capfd.readouterr() == ("", "")


def test_silent_clients_without_number_leave_room_for_those_who_ask(server: MetricsServer) -> None:
    with contextlib.ExitStack() as clients:
        for _ in range(100):
            clients.enter_context(connected(server))
            assert server_threads() <= 2 * module.MOST_CLIENTS + 1  # some are about to end
        assert get(server, "/metrics").status_code == 200
        wait_until(lambda: server_threads() <= module.MOST_CLIENTS + 1, "end of all but a few threads")


def test_a_client_of_a_byte_now_and_then_is_ended(server: MetricsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLIENT_TIMEOUT_S", 0.5)
    began_s = time.monotonic()
    with connected(server) as client, contextlib.suppress(OSError):
        while time.monotonic() < began_s + PATIENCE_S:
            client.sendall(b"G")
            time.sleep(0.02)
    assert time.monotonic() < began_s + PATIENCE_S
    wait_until(lambda: server_threads() == 1, "end of its thread")


def test_who_never_reads_the_answer_is_ended(server: MetricsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLIENT_TIMEOUT_S", 0.5)
    with connected(server) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        wait_until(lambda: server_threads() == 1, "end of its thread")


def test_many_scrapes_at_once_are_all_answered_or_refused_and_then_it_goes_on(server: MetricsServer) -> None:
    def scrape(_: int) -> bool:
        try:
            return get(server, "/metrics").status_code == 200
        except httpx.HTTPError:
            return False

    with ThreadPoolExecutor(20) as pool:
        answered = list(pool.map(scrape, range(100)))
    assert any(answered)
    assert scrape(0)


def test_the_end_does_not_wait_for_clients(capfd: pytest.CaptureFixture[str]) -> None:
    with contextlib.ExitStack() as clients:
        with MetricsServer("127.0.0.1", 0, registry_of(), str, str) as server:
            for _ in range(module.MOST_CLIENTS):
                clients.enter_context(connected(server)).sendall(b"GET /metrics HT")
            wait_until(lambda: server_threads() > 1, "thread of a client")
        wait_until(lambda: server_threads() == 0, "end of the threads")
        with pytest.raises(OSError, match=r"refused|reset"):
            connected(server)
    assert capfd.readouterr() == ("", "")


def test_a_port_can_be_used_again_at_once() -> None:
    with MetricsServer("127.0.0.1", 0, registry_of(), str, str) as server:
        assert get(server, "/healthz").status_code == 200
        port = int(server.url.rsplit(":", 1)[1])
    with MetricsServer("127.0.0.1", port, registry_of(), str, str) as server:
        assert get(server, "/healthz").status_code == 200


def test_a_port_in_use_is_said_with_what_to_do(server: MetricsServer) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(InvalidOption, match=rf"^`port` {port}: cannot listen there .*choose another, or 0"):
        MetricsServer("127.0.0.1", port, registry_of(), str, str)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a b", "x" * 300, "192.0.2.1", "127.0.0.1:80"])
def test_a_host_that_is_none_of_ours_is_said(host: str) -> None:
    with pytest.raises(InvalidOption, match=r"^`host` '"):
        MetricsServer(host, 0, registry_of(), str, str)


@pytest.mark.skipif(not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"), reason="no IPv6 here")
def test_ipv6_has_brackets_in_its_url() -> None:
    try:
        server = MetricsServer("::1", 0, registry_of(), str, str)
    except InvalidOption:
        pytest.skip("no IPv6 here")
    with server:
        assert server.url.startswith("http://[::1]:")
        assert get(server, "/healthz").status_code == 200


def run_of(**values: object) -> command.Observed:
    run: command.Observed = SimpleNamespace(**{"network": None, "unready": ""} | values)
    return run


def served(
    capsys: pytest.CaptureFixture[str], *runs: command.Observed, host: str = "127.0.0.1"
) -> tuple[httpx.Response, httpx.Response, str]:
    """Return the answers of /healthz and /readyz of a command that observes these runs, and what it said."""
    with command.metrics(0, host, *((run, tuple) for run in runs)):
        said = capsys.readouterr().err
        url = said.removeprefix("metrics: ").splitlines()[0].removesuffix("/metrics").replace("0.0.0.0", "127.0.0.1")
        return (
            httpx.get(f"{url}/healthz", trust_env=False),
            httpx.get(f"{url}/readyz", trust_env=False),
            said,
        )


def test_a_free_port_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    health, readiness, said = served(capsys, run_of())
    assert (health.status_code, readiness.status_code) == (200, 200)
    assert said.startswith("metrics: http://127.0.0.1:")
    assert said.endswith("/metrics\n")


def test_without_a_port_nothing_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    with command.metrics(None, "127.0.0.1", (run_of(), tuple)):
        assert server_threads() == 0
    assert capsys.readouterr().err == ""


def test_an_address_that_others_reach_is_warned_of(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    served(capsys, run_of(), host="localhost")
    assert not caplog.messages
    served(capsys, run_of(), host="0.0.0.0")
    assert caplog.messages == ["everyone who reaches 0.0.0.0 can read these metrics: there is no authentication"]


def test_what_is_not_ready_is_named_for_each_run(capsys: pytest.CaptureFixture[str]) -> None:
    runs = (run_of(unready="no frame yet"), run_of(), run_of(unready="connecting"))
    health, readiness, _ = served(capsys, *runs)
    assert health.status_code == 200
    assert (readiness.status_code, readiness.text) == (503, "no frame yet; connecting\n")


def test_a_stuck_event_loop_is_no_health_and_comes_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "STUCK_AFTER_S", 0.05)
    stuck, goes_on = threading.Event(), threading.Event()

    async def block() -> None:
        stuck.set()
        goes_on.wait(PATIENCE_S)

    with Background(block()) as network:
        assert stuck.wait(PATIENCE_S)
        wait_until(lambda: network.blocked_s > 0.05, "block")
        health, readiness, _ = served(capsys, run_of(network=network))
        goes_on.set()
    assert (health.status_code, readiness.status_code) == (503, 200)
    assert re.fullmatch(r"the event loop has been stuck for \d+ s\n", health.text)
    assert served(capsys, run_of(network=network))[0].status_code == 200


def test_a_publisher_is_ready_when_it_is_connected_and_its_camera_gives_frames() -> None:
    stats = PublishStats()
    assert stats.unready == "connecting"
    stats.session = session(is_connected=False, status="reconnecting: the node is gone")
    assert stats.unready == "reconnecting: the node is gone"
    stats.session = session()
    assert stats.unready == "no frame yet"
    stats.captured_rate.total = 1
    assert stats.unready == ""
    stats.source = SimpleNamespace(trouble="camera-0 stopped")
    assert stats.unready == "camera-0 stopped"


def test_a_monitor_is_ready_when_it_has_no_problem() -> None:
    newest = NewestView()
    assert newest.unready == "the first probes are under way"
    for state, unready in (("ok", ""), ("warning", ""), ("problem", "node: it is gone")):
        newest.take(View((Finding("node", cast(State, state), "it is gone"),)))
        assert newest.unready == unready


def test_a_viewer_is_ready_when_it_is_connected() -> None:
    stats = WatchStats()
    assert stats.unready == "connecting"
    stats.session = session(is_connected=False, status="reconnecting: the node is gone")
    assert stats.unready == "reconnecting: the node is gone"
    stats.session = session(is_stalled=True, status="stalled: nothing comes")
    assert stats.unready == "stalled: nothing comes"
    stats.session = session()
    assert stats.unready == ""
