"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulsar_cam.cli.options import TOKEN_VARIABLE, endpoint_of, parse_size
from pulsar_cam.errors import InvalidOption

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW0ifQ.c2ln_bmF0-XJl"
URL = "http://localhost:8080"


@pytest.fixture(autouse=True)
def _no_token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)


@pytest.mark.parametrize("text", [TOKEN, f"{TOKEN}\n", f"  {TOKEN}\r\n"])
def test_token_comes_from_the_file_or_the_environment_without_white_space(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    assert endpoint_of(URL, None, None, file).token == TOKEN
    monkeypatch.setenv(TOKEN_VARIABLE, text)
    assert endpoint_of(URL, None, None, None).token == TOKEN


def test_the_file_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "from-the-environment")
    file = tmp_path / "token"
    file.write_text("from-the-file")
    assert endpoint_of(URL, None, None, file).token == "from-the-file"


@pytest.mark.parametrize("value", ["", "  \n"])
def test_an_empty_variable_is_no_token(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, value)
    assert endpoint_of(URL, None, None, None).token is None


@pytest.mark.parametrize(
    "secret", ["two words", "line\r\nX-Header: injected", "Kühe", "\udce9x", "-----BEGIN KEY-----\nx"]
)
def test_what_could_not_be_a_header_is_refused_and_not_repeated(
    secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, secret)
    with pytest.raises(InvalidOption, match="holds no token") as caught:
        endpoint_of(URL, None, None, None)
    assert secret not in str(caught.value)
    file = tmp_path / "token"
    file.write_text(secret, errors="replace")
    with pytest.raises(InvalidOption, match="holds no token") as caught:
        endpoint_of(URL, None, None, file)
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
            endpoint_of(URL, None, None, tmp_path / name)
    with pytest.raises(InvalidOption, match="cannot be read"):
        endpoint_of(URL, None, None, Path("a\0b"))


@pytest.mark.parametrize(("text", "size"), [(None, None), ("1280x720", (1280, 720)), ("1x99999", (1, 99999))])
def test_size_is_width_and_height(text: str | None, size: tuple[int, int] | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "1280", "1280x", "x720", "1280X720", "-1x1", "1.5x2", "1 x 2", "123456x1", "٣x٣", "1x2\n", "\x1b"]
)
def test_other_text_is_no_size(text: str) -> None:
    with pytest.raises(InvalidOption, match="expected WIDTHxHEIGHT, such as 1280x720") as caught:
        parse_size(text)
    assert str(caught.value).isprintable()
