"""What a command comes with: tokens and certificates from files, variables, pipes and prompts."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pulsar_cam.cli import create_topic, demo, doctor, publish, watch
from pulsar_cam.cli.access import PASS_PHRASE_VARIABLE, TOKEN_VARIABLE, endpoint_of
from pulsar_cam.errors import InvalidOption
from pulsar_cam.pulsar.endpoint import Endpoint

from ..lab.certificates import Authority

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW0ifQ.c2ln_bmF0-XJl"
URL = "http://localhost:8080"


def token_of(endpoint: Endpoint) -> str | None:
    return endpoint.credentials.token() if endpoint.credentials else None


@pytest.fixture(autouse=True)
def _no_token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)


@pytest.mark.parametrize("text", [TOKEN, f"{TOKEN}\n", f"  {TOKEN}\r\n"])
def test_token_comes_from_the_file_or_the_environment_without_white_space(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    assert token_of(endpoint_of(URL, token_file=file)) == TOKEN
    monkeypatch.setenv(TOKEN_VARIABLE, text)
    assert token_of(endpoint_of(URL)) == TOKEN


def test_the_file_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "from-the-environment")
    file = tmp_path / "token"
    file.write_text("from-the-file")
    assert token_of(endpoint_of(URL, token_file=file)) == "from-the-file"


@pytest.mark.parametrize("value", ["", "  \n"])
def test_an_empty_variable_is_no_token(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, value)
    assert token_of(endpoint_of(URL)) is None


@pytest.mark.parametrize(
    "secret", ["two words", "line\r\nX-Header: injected", "Kühe", "\udce9x", "-----BEGIN KEY-----\nx"]
)
def test_what_could_not_be_a_header_is_refused_and_not_repeated(
    secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, secret)
    with pytest.raises(InvalidOption, match="holds no token") as caught:
        endpoint_of(URL)
    assert secret not in str(caught.value)
    file = tmp_path / "token"
    file.write_text(secret, errors="replace")
    with pytest.raises(InvalidOption, match="holds no token") as caught:
        endpoint_of(URL, token_file=file)
    assert secret not in str(caught.value)


def test_token_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").touch()
    reasons = {
        "missing": "No such file",
        ".": "Is a directory",
        "binary": "not a text file",
        "empty": "holds no token",
    }
    for name, reason in reasons.items():
        with pytest.raises(InvalidOption, match=reason):
            endpoint_of(URL, token_file=tmp_path / name)
    with pytest.raises(InvalidOption, match="cannot be read"):
        endpoint_of(URL, token_file=Path("a\0b"))


def test_a_token_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    endpoint = endpoint_of(URL, token_file=Path("-"))
    assert token_of(endpoint) == token_of(endpoint) == TOKEN


def test_what_comes_through_a_pipe_and_is_no_text_is_not_repeated() -> None:
    command = [sys.executable, "-m", "pulsar_cam", "watch", "--token-file", "-", "-vv"]
    ended = subprocess.run(command, input=b"secret\xff\xfe\x00", capture_output=True, timeout=60)
    assert ended.returncode == 2
    assert b"holds no token" in ended.stderr
    assert b"secret" not in ended.stderr


@pytest.mark.parametrize(("typed", "code"), [(TOKEN, 1), ("two words", 2), ("\x04", 2), ("\x03", 130)])
def test_a_token_that_is_typed_is_not_echoed(typed: str, code: int) -> None:
    command = [sys.executable, "-m", "pulsar_cam", "create-topic", "--service-url", "http://127.0.0.1:9"]
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    process, terminal = pty.fork()
    if process == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which a run in the background ignores
        os.execv(command[0], [*command, "--token-file", "-"])
    shown = b""
    while b"token: " not in shown:
        shown += os.read(terminal, 1000)
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        time.sleep(0.01)
    os.write(terminal, typed.encode() + b"\n")
    with contextlib.suppress(OSError):  # how the end of a terminal looks on Linux
        while part := os.read(terminal, 1000):
            shown += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == code
    assert typed.encode() not in shown
    assert b"Traceback" not in shown


def test_a_file_is_read_again_and_a_pipe_is_not(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    from_file = endpoint_of(URL, token_file=file).credentials
    file.write_text("another")
    assert from_file
    assert (from_file.is_renewable, from_file.token()) == (True, "another")
    reading, writing = os.pipe()
    os.write(writing, TOKEN.encode())
    os.close(writing)
    from_pipe = endpoint_of(URL, token_file=Path(f"/dev/fd/{reading}")).credentials
    os.close(reading)
    assert from_pipe
    assert (from_pipe.is_renewable, from_pipe.token()) == (False, TOKEN)


def test_two_kinds_of_credentials_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="not both"):
        endpoint_of(URL, token_file=tmp_path / "token", oauth2_file=tmp_path / "oauth2")


def test_the_pass_phrase_of_a_key_comes_from_its_variable_or_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("camera", pass_phrase="open sesame")
    monkeypatch.setattr("sys.stdin", io.StringIO("open sesame\n"))
    assert endpoint_of("https://pulsar", client_cert=cert, client_key=key).tls
    monkeypatch.setenv(PASS_PHRASE_VARIABLE, "open sesame")
    assert endpoint_of("https://pulsar", client_cert=cert, client_key=key).tls


def test_every_command_that_reaches_a_node_has_the_same_options() -> None:
    for command in (publish.publish, watch.watch, create_topic.create_topic, demo.demo, doctor.doctor):
        parameters = inspect.signature(command).parameters
        assert set(inspect.signature(endpoint_of).parameters) < set(parameters)
        assert "endpoint" not in parameters
