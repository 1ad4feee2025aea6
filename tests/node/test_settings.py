"""The generated configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulsar_cam.node.settings import _LOG_SETTINGS, SETTINGS, java_command, standalone_conf, write_settings
from pulsar_cam.node.software.java import Java


def parse(conf: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in conf.splitlines() if line and not line.startswith("#"))
    return {pair[0]: pair[1] for pair in pairs}


def test_values_are_replaced_and_the_rest_stays() -> None:
    conf = standalone_conf("# about a\na=1\nb = 2\n\n#a=old\nc=3\n", {"a": "x", "b": "y=z"})
    assert conf == "# about a\na=x\nb=y=z\n\n#a=old\nc=3\n"


def test_a_template_without_a_last_newline_is_not_spoilt() -> None:
    assert parse(standalone_conf("a=1\nlast=word", {"new": "2"})) == {"a": "1", "last": "word", "new": "2"}


def test_a_key_that_is_only_a_comment_is_appended() -> None:
    assert parse(standalone_conf("# a=1\n", {"a": "2"})) == {"a": "2"}


def test_the_promises_of_the_node_are_in_its_configuration(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "standalone.conf").write_text("bindAddress=0.0.0.0\nwebServicePort=8080\nlast=word")
    write_settings(tmp_path, home, 18080, 16650)
    conf = parse((tmp_path / "standalone.conf").read_text())
    promised = {
        "bindAddress": "127.0.0.1",
        "advertisedAddress": "127.0.0.1",
        "webServicePort": "18080",
        "brokerServicePort": "16650",
        "webSocketMaxTextFrameSize": "8388608",
        "brokerDeleteInactiveTopicsEnabled": "false",
        "journalWriteData": "true",
        "backlogQuotaDefaultRetentionPolicy": "consumer_backlog_eviction",
        "last": "word",
    }
    assert {key: conf[key] for key in promised} == promised
    assert "logs/pulsar.log" in (tmp_path / "log4j2.properties").read_text()


def test_what_a_node_keeps_on_disk_is_bounded() -> None:
    """tests/real/test_resources.py shows on a node with smaller limits that they hold."""
    gigabyte = 10**9
    backlog_of_a_topic = float(SETTINGS["backlogQuotaDefaultLimitGB"]) * 2**30
    journal = int(SETTINGS["journalMaxSizeMB"]) * 2**20 * (1 + int(SETTINGS["journalMaxBackups"]))
    files_of_entries_in_use = 2 * int(SETTINGS["logSizeLimit"])
    assert SETTINGS["backlogQuotaDefaultRetentionPolicy"] == "consumer_backlog_eviction"
    assert 0 < backlog_of_a_topic <= 2.2 * gigabyte
    assert 0 < journal + files_of_entries_in_use <= 0.5 * gigabyte
    assert "policies.size.size = 8MB\n" in _LOG_SETTINGS
    assert "strategy.max = 2\n" in _LOG_SETTINGS


@pytest.mark.parametrize(("version", "expected"), [(21, False), (23, True)])
def test_unsafe_memory_is_allowed_where_java_asks(tmp_path: Path, version: int, expected: bool) -> None:
    command = java_command(Java(Path("java"), version), tmp_path, tmp_path, 23181)
    assert ("--sun-misc-unsafe-memory-access=allow" in command) is expected
