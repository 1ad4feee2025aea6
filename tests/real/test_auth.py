"""A real node with authentication, authorization and TLS: which credentials it takes, and no secret is shown."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

import pulsar_cam
from pulsar_cam.errors import NotAuthenticated
from pulsar_cam.pulsar.access.credentials import Token, TokenFile
from pulsar_cam.pulsar.access.oauth2 import OAuth2
from pulsar_cam.pulsar.access.tls import tls_context
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.producer import Producer

from ..lab.certificates import Authority
from ..lab.link import Link, link_to
from ..lab.token_server import SECRET, token_server
from ..lab.tokens import token
from ..lab.xvfb import Screen, wait_until
from .command_line import CommandLine, Ended
from .secured import ADMIN, CAMERA, STRANGER, TOPIC, VIEWER, SecuredNode
from .watching import Publishing, Watching

PUBLISH = ("publish", "--source", "test-pattern:", "--size", "320x240", "--topic", str(TOPIC))
WATCH = ("watch", "--headless", "--topic", str(TOPIC))
LIFE_S = 12  # of a token that expires: long enough to connect on a busy machine
pytestmark = pytest.mark.xdist_group("secured")


@dataclass
class Secrets:
    """Files of secrets, and a search for what they hold."""

    folder: Path
    secured: SecuredNode

    def file(self, name: str, text: str | bytes) -> Path:
        file = self.folder / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def run(self, *arguments: str | Path, **environment: str) -> Ended:
        """Run a command to its end, and look for secrets wherever it shows something."""
        program = CommandLine(None, {"PULSAR_CAM_CA_FILE": str(self.secured.authority.file)} | environment)
        url = () if "--service-url" in arguments else ("--service-url", self.secured.https)
        running = program.start(*arguments, *url, "-vv")
        shown = " ".join(psutil.Process(running.process.pid).cmdline())
        ended = running.wait()
        self.assert_hidden(f"{shown} {ended.out} {ended.err}", environment)
        return ended

    def assert_hidden(self, shown: str, environment: dict[str, str] | None = None) -> None:
        held = [file.read_text("latin-1") for file in self.folder.iterdir() if file.is_file()]
        # The parts of a token, too, which are between dots.
        words = [word for text in (*held, *(environment or {}).values(), SECRET) for word in re.split(r"[\s.]", text)]
        found = [word for word in words if len(word) > 8 and "/" not in word and word in shown]
        assert not found


@pytest.fixture
def secrets(secured: SecuredNode, tmp_path: Path) -> Secrets:
    return Secrets(tmp_path, secured)


def test_a_camera_and_a_viewer_that_are_known_work(secrets: Secrets) -> None:
    viewer = CommandLine(
        None, {"PULSAR_CAM_CA_FILE": str(secrets.secured.authority.file), "PULSAR_CAM_TOKEN": token(VIEWER)}
    ).start(*WATCH, "--max-age", "0", "--frames", "10", "--json", "--service-url", secrets.secured.https)
    viewer.wait_connected(replace(secrets.secured.state, http_port=secrets.secured.tls_port))
    camera = secrets.run(*PUBLISH, "--frames", "60", "--token-file", secrets.file("token", token(CAMERA)))
    assert camera.code == 0
    assert "published 60 of" in camera.out
    watched = viewer.wait()
    assert watched.code == 0
    assert watched.summary["shown"] > 0


def test_a_certificate_of_ours_can_stand_for_a_token(secrets: Secrets) -> None:
    cert, key = secrets.secured.authority.sign("camera.example", role=CAMERA, pass_phrase="open-sesame")
    options = ("--client-cert", cert, "--client-key", key, "--frames", "3")
    assert secrets.run(*PUBLISH, *options, PULSAR_CAM_CLIENT_KEY_PASSWORD="open-sesame").code == 0


NOT_LET_IN: list[tuple[str, tuple[str, ...], str]] = [
    ("", PUBLISH, "the node wants a token, and none is given; give one with --token-file or PULSAR_CAM_TOKEN"),
    ("", WATCH, "the node wants a token, and none is given; give one with --token-file or PULSAR_CAM_TOKEN"),
    ("", ("create-topic",), "the node wants a token, and none is given"),
    (
        token(ADMIN, key=bytes(32)),
        PUBLISH,
        "the node does not accept the token, which may be damaged or for another node",
    ),
    (
        token(ADMIN, key=bytes(32)),
        WATCH,
        "the node does not accept the token, which may be damaged or for another node",
    ),
    ("opaque-and-foreign", PUBLISH, "the node does not accept the token, which may be damaged or for another node"),
    (token(CAMERA, -60), PUBLISH, "the token expired at 20"),
    (token(VIEWER, -60), WATCH, "the token expired at 20"),
    (token(STRANGER), PUBLISH, "grant the permission 'produce'"),
    (token(STRANGER), WATCH, "grant the permission 'consume'"),
    (token(CAMERA), WATCH, "grant the permission 'consume'"),
    ("", ("demo", "--headless"), "the node wants a token, and none is given"),
    (token(CAMERA, -60), ("demo", "--headless"), "the token expired at 20"),
    (token(VIEWER), ("create-topic",), "our role is not allowed to create topic"),
]


@pytest.mark.parametrize("in_file", [True, False], ids=["file", "variable"])
@pytest.mark.parametrize(("secret", "command", "sentence"), NOT_LET_IN, ids=map(str, range(len(NOT_LET_IN))))
def test_who_is_not_let_in_is_told_why(
    secret: str, command: tuple[str, ...], sentence: str, in_file: bool, secrets: Secrets
) -> None:
    if not secret or not in_file:
        ended = secrets.run(*command, PULSAR_CAM_TOKEN=secret)
    else:
        ended = secrets.run(*command, "--token-file", secrets.file("token", secret))
    assert ended.code == 1
    assert sentence in ended.err.splitlines()[-1]


@pytest.mark.parametrize("credentials", [None, Token(token(CAMERA, -60)), Token(token(ADMIN, key=bytes(32)))])
def test_a_program_without_a_good_token_gets_a_sentence_without_options(
    credentials: Token | None, secured: SecuredNode
) -> None:
    endpoint = secured.endpoint(credentials)
    for program in (
        lambda: next(iter(pulsar_cam.frames(TOPIC, endpoint))),
        lambda: pulsar_cam.publisher(TOPIC, endpoint).__enter__(),
    ):
        with pytest.raises(NotAuthenticated) as raised:
            program()
        assert "--" not in str(raised.value)
        assert "token" in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [f"{token(ADMIN)}\n{token(VIEWER)}", f"{token(ADMIN)}\x1b[31m\x07", token(ADMIN).encode() + b"\xff\xfe\x00", ""],
    ids=["lines", "control", "binary", "empty"],
)
def test_a_file_without_a_token_is_not_repeated(content: str | bytes, secrets: Secrets) -> None:
    ended = secrets.run(*PUBLISH, "--token-file", secrets.file("token", content))
    assert ended.code == 2
    assert "--token-file" in ended.err


def test_a_token_goes_nowhere_in_plain_text_or_in_a_url(secrets: Secrets) -> None:
    file = secrets.file("token", token(CAMERA))
    for url, sentence in {
        "http://192.0.2.1:8080": "--allow-plain-text-token",
        f"http://127.0.0.1:8080/?token={token(CAMERA)}": "--service-url (hidden)",
        f"http://{token(CAMERA)}@127.0.0.1:8080": "--service-url (hidden)",
    }.items():
        ended = CommandLine(None).run(*PUBLISH, "--service-url", url, "--token-file", file, "-vv")
        assert ended.code == 2
        assert sentence in ended.err
        secrets.assert_hidden(ended.out + ended.err)


def test_failures_of_tls_have_their_sentence(secrets: Secrets) -> None:
    secured, foreign = secrets.secured, Authority(secrets.folder / "foreign")
    file = secrets.file("token", token(CAMERA))
    cert, key = foreign.sign("camera.example", role=CAMERA)
    for options, sentence in {
        ("--ca-file", foreign.file): "its certificate is not signed by a trusted CA",
        ("--client-cert", cert, "--client-key", key): "--client-cert",
        ("--service-url", f"http://localhost:{secured.tls_port}"): "use https:// or wss://",
        ("--service-url", f"https://localhost:{secured.state.http_port}"): "use http:// or ws://",
        ("--service-url", f"https://[::1]:{secured.tls_port}"): "no ",
    }.items():
        ended = secrets.run(*PUBLISH, *options, "--token-file", file)
        assert ended.code == 1
        assert sentence in ended.err.splitlines()[-1]


def test_a_token_that_expires_is_renewed_from_its_file(
    secured: SecuredNode, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "token"
    file.write_text(expiring := token(CAMERA, LIFE_S))
    with link_to(replace(secured.state, http_port=secured.tls_port)) as link:
        camera = _through(link, secured, TokenFile(file))
        viewer = _through(link, secured, Token(token(VIEWER)))
        with Watching(viewer, TOPIC) as watching, Publishing(camera, TOPIC) as stats:
            watching.receives_more(5)
            time.sleep(max(0.0, file.stat().st_mtime + LIFE_S + 1 - time.time()))
            watching.receives_more(5)  # an open session is not asked again
            link.cut()
            link.mend()
            wait_until(lambda: "the token expired at" in stats.status, "refusal")
            assert f"put a new one in {file}, which is read again at every try" in stats.status
            file.write_text(token(CAMERA))
            wait_until(lambda: stats.session is not None and stats.session.reconnects == 1, "renewal")
            watching.receives_more(5)
    assert "rejected our credentials" in caplog.text
    for secret in (expiring, file.read_text(), viewer.credentials.token() if viewer.credentials else ""):
        assert secret.rpartition(".")[2] not in caplog.text


def test_a_token_that_expires_and_cannot_be_renewed_ends_the_run(secured: SecuredNode) -> None:
    async def main(link: Link) -> None:
        async with Producer(_through(link, secured, Token(token(CAMERA, LIFE_S))), TOPIC) as producer:
            await asyncio.sleep(LIFE_S + 1)
            link.cut()
            link.mend()
            async with asyncio.timeout(30):
                while True:
                    await producer.room()
                    await asyncio.sleep(0.05)

    with (
        link_to(replace(secured.state, http_port=secured.tls_port)) as link,
        pytest.raises(NotAuthenticated, match="the token expired at"),
    ):
        asyncio.run(main(link))


def _through(link: Link, secured: SecuredNode, credentials: Token | TokenFile) -> Endpoint:
    url = f"https://127.0.0.1:{link.port}"
    return Endpoint.of(url, credentials=credentials, tls=tls_context(secured.authority.file))


def test_tokens_come_from_an_oauth2_server(secrets: Secrets) -> None:
    with token_server() as server:
        values = {"client_id": "camera-1", "client_secret": SECRET, "issuer_url": server.url}
        file = secrets.file("oauth2.json", json.dumps(values))
        server.answer = {"access_token": token(CAMERA), "expires_in": 3600}
        assert secrets.run(*PUBLISH, "--frames", "3", "--oauth2-file", file).code == 0
        assert len(server.forms) == 1
        server.answer = {"access_token": token(CAMERA, -60), "expires_in": 3600}
        ended = secrets.run(*PUBLISH, "--oauth2-file", file)
        assert (ended.code, "the token expired at" in ended.err) == (1, True)
        server.status, server.answer = 401, {"error": "access_denied", "error_description": f"not {SECRET}"}
        ended = secrets.run(*PUBLISH, "--oauth2-file", file, "--oauth2-audience", "urn:pulsar")
        assert (ended.code, "HTTP 401: not (secret)" in ended.err) == (1, True)
    ended = secrets.run(*PUBLISH, "--oauth2-file", file)
    assert (ended.code, "gives none" in ended.err) == (1, True)


def test_a_token_server_that_fails_for_a_while_does_not_end_a_run(secrets: Secrets) -> None:
    secured = secrets.secured
    with token_server() as server, link_to(replace(secured.state, http_port=secured.tls_port)) as link:
        values = {"client_id": "camera-1", "client_secret": SECRET, "issuer_url": server.url}
        credentials = OAuth2(secrets.file("oauth2.json", json.dumps(values)))
        server.answer = {"access_token": token(CAMERA), "expires_in": 0}
        endpoint = replace(_through(link, secured, Token("")), credentials=credentials)
        with Publishing(endpoint, TOPIC) as stats:
            wait_until(lambda: stats.published > 5, "frames")
            server.status = 503
            link.cut()
            link.mend()
            wait_until(lambda: "there is no token" in stats.status, "failure")
            server.status = 200
            wait_until(lambda: stats.session is not None and stats.session.reconnects == 1, "token")


def test_doctor_tells_about_token_and_tls(secrets: Secrets) -> None:
    def doctor(secret: str) -> tuple[int, dict[str, tuple[str, str]]]:
        file = secrets.file("token", secret)
        ended = secrets.run("doctor", "--json", "--topic", str(TOPIC), "--token-file", file)
        found = map(json.loads, ended.out.splitlines())
        return ended.code, {each["check"]: (each["state"], each["says"]) for each in found}

    code, found = doctor(token(ADMIN))
    assert {name: says for name, (state, says) in found.items() if state == "problem"} == {}
    assert (code, found["tls"][0], found["auth"][0], found["websocket"][0]) == (0, "ok", "ok", "ok")
    assert "TLSv1.3, the node's certificate is good until 20" in found["tls"][1]
    assert "the token is accepted, until 20" in found["auth"][1]
    code, found = doctor(token(ADMIN, -60))
    assert (code, found["auth"][0], found["tls"][0]) == (1, "problem", "ok")
    assert "the token expired at 20" in found["auth"][1]
    assert doctor(token(STRANGER))[1]["websocket"][0] == "warning"


def test_no_secret_is_in_a_window(secrets: Secrets, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = token(VIEWER)
    secured = secrets.secured
    environment = {"PULSAR_CAM_CA_FILE": str(secured.authority.file), "PULSAR_CAM_TOKEN": secret}
    program = CommandLine(None, environment | {"DISPLAY": screen.name})
    running = program.start("watch", "--topic", str(TOPIC), "--service-url", secured.https, "--duration", "8", "-vv")
    title = f"pulsar-cam: {TOPIC.name}"
    wait_until(lambda: any(title in each for each in screen.titles()), "window")
    titles = " ".join(screen.titles())
    arguments = " ".join(psutil.Process(running.process.pid).cmdline())
    ended = running.wait()
    assert secret not in titles + arguments + ended.out + ended.err
