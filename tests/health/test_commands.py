"""Commands that advice consists of can be pasted into a shell."""

from __future__ import annotations

import shlex

import pytest

from pulsar_cam.health.commands import Commands, size_option
from pulsar_cam.pulsar.access.credentials import Token
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic

TOPIC = Topic.parse("front")
HERE = Commands(Endpoint.of(), TOPIC)


def test_a_node_elsewhere_is_named() -> None:
    assert HERE.create_topic() == "pulsar-cam create-topic --topic persistent://public/default/front"
    there = Commands(Endpoint.of("https://camera-host:8443"), TOPIC)
    assert "--service-url https://camera-host:8443 " in there.create_topic()
    assert there.delete_subscription("a").split()[-1].startswith("https://camera-host:8443/admin/v2/persistent/")


def test_a_token_is_taken_from_the_environment_and_never_shown() -> None:
    secret = Commands(Endpoint.of(credentials=Token("eyJhbGciOiJIUzI1NiJ9.secret.x")), TOPIC)
    command = secret.delete_subscription("viewer1")
    assert '-H "Authorization: Bearer $PULSAR_CAM_TOKEN"' in command
    assert "secret" not in command
    assert "Authorization" not in HERE.delete_subscription("viewer1")


@pytest.mark.parametrize("name", ["a b", "$(reboot)", "x; rm -rf /", "'", "a/b?c=d&e", "{a,b}", "\x1b[2J"])
def test_no_name_of_a_stranger_is_more_than_a_word(name: str) -> None:
    *_, url = shlex.split(HERE.delete_subscription(name))
    assert url.startswith("http://localhost:8080/admin/v2/persistent/public/default/front/subscription/")
    assert not set(url.rpartition("/")[2]) & set(" $();{}?&\x1b'")


@pytest.mark.parametrize(
    ("size", "option"), [(2 * 10**9, "2GB"), (50_000_000, "50MB"), (10_737_418_240, "10737419KB"), (1, "1KB")]
)
def test_a_size_is_never_less_than_what_is_meant(size: int, option: str) -> None:
    assert size_option(size) == option
