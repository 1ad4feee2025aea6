"""TLS: what is accepted, and a sentence for each failure, over WebSocket and HTTP alike."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulsar_cam.errors import InvalidOption, NodeUnreachable, NotAuthenticated, PulsarError
from pulsar_cam.pulsar.access.tls import tls_context, tls_failure
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.producer import Producer
from pulsar_cam.pulsar.topics import Topic

from ...lab.certificates import Authority
from ...lab.hostile import assert_showable
from ...lab.tls_server import answering


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("foreign"))


def server_with(certificate: tuple[Path, Path], trusted: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if trusted:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusted)
    return context


async def _ask(endpoint: Endpoint) -> None:
    async with Admin(endpoint) as admin:
        await admin.version()


async def _publish(endpoint: Endpoint) -> None:
    async with Producer(endpoint, Topic.parse("cam")):
        raise AssertionError("a session opened")


WAYS = [_ask, _publish]


def failure(way: Callable[[Endpoint], Any], endpoint: Endpoint) -> PulsarError:
    with pytest.raises(PulsarError) as caught:
        asyncio.run(way(endpoint))
    assert_showable(str(caught.value))
    return caught.value


@pytest.mark.parametrize("way", WAYS)
def test_a_node_whose_ca_we_trust_is_talked_to(way: Callable[[Endpoint], Any], ours: Authority) -> None:
    with answering(server_with(ours.sign("127.0.0.1"))) as (port, _):
        error = failure(way, Endpoint.of(f"https://127.0.0.1:{port}", tls=tls_context(ours.file)))
    assert isinstance(error, NotAuthenticated)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "days", "ca", "sentence"),
    [
        ("127.0.0.1", 30, "foreign", "not signed by a trusted CA; give the certificate of its CA with `ca_file`"),
        ("127.0.0.1", 30, "system", "not signed by a trusted CA; give the certificate of its CA with `ca_file`"),
        ("elsewhere.example", 30, "ours", "is for another name"),
        ("127.0.0.1", -2, "ours", "has expired"),
        ("127.0.0.1", 90, "ours", "is not valid yet"),
    ],
)
def test_a_node_that_is_not_who_we_mean_is_told_nothing(
    way: Callable[[Endpoint], Any],
    name: str,
    days: float,
    ca: str,
    sentence: str,
    ours: Authority,
    foreign: Authority,
) -> None:
    trusted = {"ours": ours.file, "foreign": foreign.file, "system": None}[ca]
    with answering(server_with(ours.sign(name, ends_in_days=days))) as (port, requests):
        error = failure(way, Endpoint.of(f"https://127.0.0.1:{port}", tls=tls_context(trusted)))
    assert sentence in str(error)
    assert requests == []


@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_of_ours_that_is_wanted(
    way: Callable[[Endpoint], Any], ours: Authority, foreign: Authority
) -> None:
    with answering(server_with(ours.sign("127.0.0.1"), ours.file)) as (port, _):
        url = f"https://127.0.0.1:{port}"
        accepted = Endpoint.of(url, tls=tls_context(ours.file, *ours.sign("camera")))
        assert isinstance(failure(way, accepted), NotAuthenticated)
        missing = failure(way, Endpoint.of(url, tls=tls_context(ours.file)))
        strange = failure(way, Endpoint.of(url, tls=tls_context(ours.file, *foreign.sign("camera"))))
    # With TLS 1.3 the alert comes after the handshake, and is lost where the connection is reset behind it.
    assert "want" in str(missing)
    assert "accept" in str(strange) or "want" in str(strange)
    assert "`client_cert`" in str(missing)
    assert "`client_cert`" in str(strange)


@pytest.mark.parametrize("way", WAYS)
def test_plain_text_where_tls_is_and_the_reverse(way: Callable[[Endpoint], Any], ours: Authority) -> None:
    with answering(server_with(ours.sign("127.0.0.1"))) as (port, _):
        assert "use https:// or wss://" in str(failure(way, Endpoint.of(f"http://127.0.0.1:{port}")))

    async def main() -> None:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            with pytest.raises(NodeUnreachable, match="in plain text, without TLS; use http:// or ws://"):
                await way(Endpoint.of(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"))

    asyncio.run(main())


def test_every_other_failure_has_a_sentence_too() -> None:
    for reason in ("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "UNEXPECTED_EOF_WHILE_READING", None):
        error = ssl.SSLError(1, "x")
        error.reason = reason  # type: ignore[assignment]
        assert_showable(str(tls_failure("wss://pulsar", error)))


def test_files_that_cannot_be_used_are_named_with_the_reason(tmp_path: Path, ours: Authority) -> None:
    cert, key = ours.sign("camera")
    other_key = ours.sign("other")[1]
    text, missing = tmp_path / "text", tmp_path / "missing"
    text.write_text("no PEM")
    cases: list[tuple[tuple[Any, ...], str]] = [
        ((missing,), "`ca_file` .*No such file"),
        ((text,), "`ca_file` .*no certificate in PEM form"),
        ((tmp_path,), "`ca_file` .*directory"),
        ((None, missing), "`client_cert` .*No such file"),
        ((None, cert, missing), "`client_key` .*No such file"),
        ((None, cert), "give a key in another file with `client_key`"),
        ((None, text, key), "holds no certificate"),
        ((None, cert, text), "no key"),
        ((None, cert, other_key), "`client_key` .*does not belong to the certificate"),
        ((None, None, key), "`client_cert`"),
    ]
    for files, sentence in cases:
        with pytest.raises(InvalidOption, match=sentence):
            tls_context(*files)


def test_a_key_and_its_certificate_can_share_a_file(tmp_path: Path, ours: Authority) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(file.read_bytes() for file in ours.sign("camera")))
    assert tls_context(None, both)


def test_an_encrypted_key_wants_its_pass_phrase(ours: Authority) -> None:
    cert, key = ours.sign("camera", pass_phrase="open sesame")
    assert tls_context(None, cert, key, lambda: "open sesame")
    for wrong in ("", "secret", "x" * 5000):
        with pytest.raises(InvalidOption, match="is encrypted, and the pass phrase is wrong") as caught:
            tls_context(None, cert, key, lambda text=wrong: text)  # type: ignore[misc]
        assert "secret" not in str(caught.value)
    with pytest.raises(InvalidOption, match="is encrypted"):
        tls_context(None, cert, key)
