"""Where a node is reached, and the URLs under which Pulsar serves its sessions."""

from __future__ import annotations

import re
import ssl
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.uri import parse_uri

from pulsar_cam.errors import InvalidOption
from pulsar_cam.pulsar.access.credentials import Token
from pulsar_cam.pulsar.access.tls import is_loopback
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.topics import Topic

from ..lab.hostile import assert_showable, value_or_error


def test_session_urls_have_the_form_that_pulsar_serves() -> None:
    endpoint, topic = Endpoint.of("http://localhost:8080"), Topic.parse("cows_&_co")
    base = "ws://localhost:8080/ws/v2"
    assert endpoint.producer_url(topic) == f"{base}/producer/persistent/public/default/cows_%26_co"
    assert (
        endpoint.consumer_url([topic], "a/b ü", receiverQueueSize=4, subscriptionMode="NonDurable")
        == f"{base}/consumer/persistent/public/default/cows_%26_co/a%2Fb%20%C3%BC"
        "?receiverQueueSize=4&subscriptionMode=NonDurable"
    )


@pytest.mark.parametrize(
    ("service_url", "ws_url", "admin_url"),
    [
        ("http://localhost:8080", "ws://localhost:8080", "http://localhost:8080"),
        ("http://localhost:8080/", "ws://localhost:8080", "http://localhost:8080"),
        ("HTTPS://Pulsar.example", "wss://Pulsar.example", "https://Pulsar.example"),
        ("http://[::1]:8080", "ws://[::1]:8080", "http://[::1]:8080"),
        ("http://my_node", "ws://my_node", "http://my_node"),
        ("http://xn--khe-hoa.example", "ws://xn--khe-hoa.example", "http://xn--khe-hoa.example"),
    ],
)
def test_both_urls_follow_from_the_service_url(service_url: str, ws_url: str, admin_url: str) -> None:
    assert Endpoint.of(service_url) == Endpoint(ws_url, admin_url)


def test_urls_that_are_given_are_used() -> None:
    endpoint = Endpoint.of("http://a", ws_url="wss://b:1", admin_url="https://c:2")
    assert (endpoint.ws_url, endpoint.admin_url) == ("wss://b:1", "https://c:2")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "localhost:8080",
        "pulsar://localhost:6650",
        "ws://localhost:8080",
        "http://",
        "http://:8080",
        "http://localhost:0",
        "http://localhost:99999",
        "http://localhost:x",
        "http://localhost:8080/admin/v2",
        "http://localhost?a=b",
        "http://localhost#a",
        "http://local host",
        "http://local\nhost",
        "http://local\x00host",
        "http://local\x1bhost",
        "http://a..b",
        "http://-\udce9",
        "http://" + "x" * 64,
        "http://" + "x." * 200,
        "http://[::1",
        "http://local\\host",
        "http://192.168.1.300",
        "http://1.2.3",
        "http://[::g]",
        "http://kühe.example",
    ],
)
def test_url_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        Endpoint.of(url)
    assert_showable(str(caught.value))
    assert "expected http://HOST:PORT" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://cam:secret@host", "http://cam:secret@host/path", "http://cam:se/cret@host:x"]
)
def test_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidOption, match="no user or password in a URL") as caught:
        Endpoint.of(url)
    assert "cret" not in str(caught.value)


@given(
    st.text(max_size=40).map(lambda host: f"http://{host}")
    | st.text("a1.:-_[]%@/?#\\é\x7f", max_size=20).map(lambda host: f"http://{host}")
)
def test_any_text_is_an_endpoint_that_the_clients_take_or_an_invalid_option(url: str) -> None:
    endpoint = value_or_error(lambda: Endpoint.of(url), InvalidOption)
    if endpoint:
        assert_showable(endpoint.ws_url + endpoint.admin_url)
        assert httpx.URL(endpoint.admin_url).host
        assert parse_uri(endpoint.ws_url).host
        assert is_loopback(endpoint.ws_url) in (True, False)


def test_a_token_is_not_shown() -> None:
    endpoint = Endpoint.of(credentials=Token("secret"))
    shown = f"{endpoint!r} {endpoint} {endpoint.producer_url(Topic.parse('a'))}"
    assert "secret" not in shown
    assert "token=given" in shown


@pytest.mark.parametrize("url", ["http://pulsar:8080/?token=secret", "http://pulsar#secret", "http://secret@pulsar"])
def test_a_url_that_may_hold_a_secret_is_not_repeated(url: str) -> None:
    with pytest.raises(InvalidOption, match="token") as caught:
        Endpoint.of(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("urls", "option"),
    [
        ({"service_url": "http://pulsar:8080"}, "`service_url` ws://pulsar:8080"),
        ({"service_url": "https://pulsar", "ws_url": "ws://proxy"}, "`ws_url` ws://proxy"),
        ({"service_url": "https://pulsar", "admin_url": "http://admin"}, "`admin_url` http://admin"),
        ({"service_url": "http://localhost", "ws_url": "ws://192.168.1.9"}, "`ws_url` ws://192.168.1.9"),
    ],
)
def test_a_token_goes_to_another_machine_unencrypted_only_if_that_is_allowed(
    urls: dict[str, Any], option: str
) -> None:
    with pytest.raises(InvalidOption, match=re.escape(option)) as caught:
        Endpoint.of(**urls, credentials=Token("secret"))
    assert "`allow_plain_text_token`" in str(caught.value)
    assert Endpoint.of(**urls, credentials=Token("secret"), allow_plain_text_token=True).credentials
    assert Endpoint.of(**urls).credentials is None


def test_secure_connections_verify_certificates_and_names() -> None:
    tls = Endpoint.of("https://pulsar").tls
    assert tls
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert Endpoint.of("http://pulsar", ws_url="wss://pulsar").tls
    assert Endpoint.of("http://pulsar").tls is None


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8080", True),
        ("ws://127.0.0.1:8080/ws", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8080", True),
        ("http://192.168.1.9", False),
        ("http://localhost.example", False),
        ("http://pulsar", False),
    ],
)
def test_loopback_is_this_machine_only(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
