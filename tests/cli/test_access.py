"""What a command comes with: tokens and certificates from files, variables, pipes and prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulsar_cam.cli.access import TOKEN_VARIABLE, endpoint_of
from pulsar_cam.errors import InvalidOption
from pulsar_cam.topics import Endpoint

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
