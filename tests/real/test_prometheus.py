"""Metrics as their users have them: commands on a real node, scraped by a real Prometheus."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pulsar_cam.metrics.collector import registry_of
from pulsar_cam.metrics.publisher import publisher_readings
from pulsar_cam.metrics.viewer import viewer_readings
from pulsar_cam.node import NodeState
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.topics import Topic

from ..lab import runs
from ..lab.fake_camera import camera_environment, write_pattern_jpegs
from ..lab.link import link_to
from ..lab.mortal import mortal_node
from ..lab.promtool import FOLDER, promtool
from ..lab.streams import endpoint_of, new_topic
from ..lab.xvfb import wait_until
from .command_line import CommandLine
from .prometheus import Prometheus, Served, prometheus
from .watching import Watching, pattern

PATTERN = ("publish", "--source", "test-pattern:", "--size", "320x240", "--fps", "15")
HEADLESS = ("watch", "--headless")


@pytest.fixture
def topic() -> Topic:
    return new_topic()


@pytest.fixture
def commands() -> Iterator[contextlib.ExitStack]:
    """Where commands that run are ended."""
    with contextlib.ExitStack() as stack:
        yield stack


def served(stack: contextlib.ExitStack, cli: CommandLine, *arguments: str | Path) -> Served:
    command = Served(cli, *arguments)
    stack.callback(ended, command)
    return command


def ended(command: Served) -> None:
    if command.running.process.poll() is None:
        command.running.signal(signal.SIGINT)
        assert command.running.wait().code == 130


def queries() -> dict[str, str]:
    """Return the query of each panel, as Grafana would send it."""
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        .replace("$__rate_interval", "20s")
        .replace("$topic", ".*")
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    }


@pytest.mark.timeout(300, func_only=True)
def test_every_command_is_scraped_at_once_every_panel_has_data_and_counters_add_up(
    node: NodeState, topic: Topic, commands: contextlib.ExitStack, tmp_path: Path
) -> None:
    cli = CommandLine(node)
    name = ("--topic", topic.name)
    publisher = served(commands, cli, *PATTERN, *name)
    viewers = [served(commands, cli, *HEADLESS, *name, "--subscription", each) for each in ("wall", "desk")]
    targets = {"pulsar-cam-publish": [publisher.url], "pulsar-cam-watch": [viewer.url for viewer in viewers]}
    monitor = served(commands, cli, "monitor", *name, "--interval", "1", "--budget", "5000")
    targets["pulsar-cam-monitor"] = [monitor.url]
    for command in (publisher, *viewers, monitor):
        wait_until(command.is_ready, "readiness")
        assert command.ask("/healthz").text == "ok\n"
    scraper = commands.enter_context(prometheus(tmp_path, targets))
    empty = queries()
    assert len(empty) > 60

    def all_have_data() -> bool:
        for panel, query in list(empty.items()):
            if any(each["value"][1] != "NaN" for each in scraper.query(query)):
                del empty[panel]
        return not empty

    with contextlib.suppress(AssertionError):
        wait_until(all_have_data, "data", 90)
    assert not empty
    assert {each["value"][1] for each in scraper.query("up")} == {"1"}
    assert_sums_hold(scraper)
    quiet = {"PulsarCamTargetDown", "PulsarCamCameraLost", "PulsarCamDisconnected", "PulsarCamNoPublisher"}
    assert not quiet & {alert for alert, _ in scraper.firing()}


def has_values(scraper: Prometheus, expression: str, count: int) -> bool:
    return len(scraper.values(expression, 10)) >= count


def assert_sums_hold(scraper: Prometheus) -> None:
    """Check the sums in each scrape that Prometheus has stored."""
    drops = 'sum without (reason) (pulsar_cam_dropped_frames_total{{role="{}"}})'
    for role, came, went in (("publisher", "captured", "published"), ("viewer", "received", "shown")):
        came, went = f'pulsar_cam_{came}_frames_total{{role="{role}"}}', f"pulsar_cam_{went}_frames_total"
        difference = f"{came} - {went} - {drops.format(role)} - pulsar_cam_under_way_frames"
        wait_until(functools.partial(has_values, scraper, difference, 8), "scrapes")
        assert set(scraper.values(difference, 10)) == {0}
        assert max(scraper.values(came, 10)) > 0
        assert min(scraper.values(f'pulsar_cam_under_way_frames{{role="{role}"}}', 10)) >= 0


@pytest.mark.timeout(300, func_only=True)
@pytest.mark.skipif(sys.platform != "linux", reason="the fake camera is one of V4L2")
def test_a_lost_camera_a_lost_connection_and_a_killed_publisher_are_alerts(
    node: NodeState, topic: Topic, commands: contextlib.ExitStack, tmp_path: Path
) -> None:
    write_pattern_jpegs(tmp_path / "frames", 60)
    fault = tmp_path / "fault"
    fault.touch()
    environment = camera_environment(tmp_path / "frames", fault=fault)
    with_camera = CommandLine(node, environment | {"PULSAR_CAM_SERVICE_URL": node.service_url})
    publisher = served(commands, with_camera, "publish", "--topic", topic.name)
    link = commands.enter_context(link_to(node))
    remote = CommandLine(node, {"PULSAR_CAM_SERVICE_URL": link.endpoint.admin_url})
    viewer = served(commands, remote, *HEADLESS, "--topic", topic.name)
    for command in (publisher, viewer):
        wait_until(command.is_ready, "readiness")
    targets = {"pulsar-cam-publish": [publisher.url], "pulsar-cam-watch": [viewer.url]}
    scraper = commands.enter_context(prometheus(tmp_path, targets))

    def fires(alert: str, job: str) -> bool:
        return (alert, f"pulsar-cam-{job}") in scraper.firing()

    wait_until(lambda: len(scraper.query("up == 1")) == 2, "scrape")
    fault.write_text("unplugged")
    wait_until(lambda: fires("PulsarCamCameraLost", "publish"), "alert")
    assert publisher.ask("/readyz").status_code == 503
    assert publisher.ask("/readyz").text.startswith("camera-0 stopped")
    assert publisher.ask("/healthz").status_code == 200
    assert not fires("PulsarCamNotPublishing", "publish")
    fault.write_text("")
    wait_until(lambda: not fires("PulsarCamCameraLost", "publish"), "end of the alert")
    wait_until(publisher.is_ready, "readiness")

    link.cut()
    wait_until(lambda: fires("PulsarCamDisconnected", "watch"), "alert")
    assert viewer.ask("/readyz").text.startswith("reconnecting: ")
    link.mend()
    wait_until(lambda: not fires("PulsarCamDisconnected", "watch"), "end of the alert")
    wait_until(viewer.is_ready, "readiness")
    assert [each["value"][1] for each in scraper.query('pulsar_cam_reconnects_total{role="viewer"}')] == ["1"]

    publisher.running.process.kill()
    publisher.running.process.communicate()
    wait_until(lambda: fires("PulsarCamTargetDown", "publish"), "alert")
    assert not fires("PulsarCamTargetDown", "watch")


def test_after_a_run_captured_is_published_plus_dropped_and_received_is_shown_plus_dropped(
    node: NodeState, topic: Topic
) -> None:
    published = PublishStats()
    with Watching(node, topic) as watching:
        runs.publish(pattern, endpoint_of(node), topic, frames=40, stats=published)
        watching.receives_more(0)
    registry = registry_of(publisher_readings(published, topic), viewer_readings(watching.stats, topic))
    samples = [sample for family in registry.collect() for sample in family.samples]
    for role, came, went in (("publisher", "captured", "published"), ("viewer", "received", "shown")):
        values = {each.name: each.value for each in samples if each.labels == {"role": role, "topic": str(topic)}}
        dropped = sum(each.value for each in samples if "reason" in each.labels and each.labels["role"] == role)
        assert values[f"pulsar_cam_{came}_frames_total"] == values[f"pulsar_cam_{went}_frames_total"] + dropped > 0
        assert values["pulsar_cam_under_way_frames"] == 0


def test_demo_has_both_sides_in_one_place(node: NodeState, topic: Topic, commands: contextlib.ExitStack) -> None:
    demo = served(commands, CommandLine(node), "demo", "--headless", "--duration", "60", "--topic", topic.name)
    wait_until(demo.is_ready, "readiness", 60)
    text = demo.ask("/metrics").text
    assert promtool("check", "metrics", read=text.encode()) == ""
    assert set(re.findall(r'^pulsar_cam_connected{role="(\w+)"', text, re.MULTILINE)) == {"publisher", "viewer"}


def test_clients_that_hang_do_not_hold_up_the_end(node: NodeState, topic: Topic) -> None:
    command = Served(CommandLine(node), *PATTERN, "--topic", topic.name, "--json")
    wait_until(command.is_ready, "readiness")
    where = urlsplit(command.url)
    with contextlib.ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(socket.create_connection((where.hostname, where.port), 30)).sendall(b"GET /met")
        command.running.signal(signal.SIGINT)
        stopped = command.running.wait()
    assert (stopped.code, stopped.err) == (130, "")
    assert stopped.summary["captured"] == stopped.summary["published"] + sum(stopped.summary["dropped"].values())


def test_a_port_in_use_is_one_sentence(node: NodeState, topic: Topic) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for command in (PATTERN, HEADLESS):
            refused = CommandLine(node).run(*command, "--topic", topic.name, "--metrics-port", port)
            assert (refused.code, refused.out) == (2, "")
            assert re.fullmatch(rf"error: --metrics-port {port}: cannot listen there .*\n", refused.err)


@pytest.mark.usefixtures("_pulsar")
@pytest.mark.timeout(300, func_only=True)
def test_a_killed_node_is_a_problem_for_the_monitor_until_it_is_back(
    topic: Topic, commands: contextlib.ExitStack, tmp_path: Path
) -> None:
    (tmp_path / "node").mkdir()
    mortal = commands.enter_context(mortal_node(tmp_path / "node"))
    arguments = ("--topic", topic.name, "--interval", "4", "--budget", "5000")
    monitor = served(commands, CommandLine(mortal.state), "monitor", *arguments)
    wait_until(monitor.is_ready, "readiness", 60)
    scraper = commands.enter_context(prometheus(tmp_path, {"pulsar-cam-monitor": [monitor.url]}))
    problems = 'pulsar_cam_monitor_state{part="node",state="problem"} == 1'
    wait_until(lambda: bool(scraper.query("pulsar_cam_monitor_state")), "scrape")
    assert not scraper.query(problems)
    mortal.kill()
    wait_until(lambda: ("PulsarCamProblem", "pulsar-cam-monitor") in scraper.firing(), "alert", 60)
    wait_until(lambda: bool(scraper.query(problems)), "the node among the problems")  # probes can be one before
    assert monitor.ask("/readyz").status_code == 503
    assert monitor.ask("/readyz").text.startswith("node: ")
    assert monitor.ask("/healthz").status_code == 200
    mortal.start()
    wait_until(lambda: not scraper.query(problems), "end of the problem", 90)
