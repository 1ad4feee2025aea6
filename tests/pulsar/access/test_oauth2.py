"""Tokens from an OAuth 2.0 server: a loopback one stands in for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pulsar_cam.errors import InvalidOption, TokenUnavailable
from pulsar_cam.pulsar.access import oauth2
from pulsar_cam.pulsar.access.oauth2 import OAuth2

from ...lab.hostile import assert_showable
from ...lab.token_server import SECRET, token_server


def file_for(folder: Path, issuer: object, **changes: object) -> Path:
    file = folder / "credentials.json"
    values = {"type": "client_credentials", "client_id": "camera-1", "client_secret": SECRET, "issuer_url": issuer}
    file.write_text(json.dumps(values | changes))
    return file


def test_one_token_is_used_until_shortly_before_it_expires(tmp_path: Path) -> None:
    with token_server() as server:
        credentials = OAuth2(file_for(tmp_path, f"{server.url}/"), "urn:pulsar")
        server.answer = {"access_token": "long", "expires_in": 3600, "token_type": "Bearer"}
        assert [credentials.token(), credentials.token()] == ["long", "long"]
        assert server.forms == [
            {
                "grant_type": "client_credentials",
                "client_id": "camera-1",
                "client_secret": SECRET,
                "audience": "urn:pulsar",
            }
        ]
        short = OAuth2(file_for(tmp_path, server.url))
        for name in ("first", "second"):
            server.answer = {"access_token": name, "expires_in": 0}
            assert short.token() == name
        assert "audience" not in server.forms[-1]


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (401, {"error": "access_denied", "error_description": "Unauthorized"}, "HTTP 401: Unauthorized"),
        (400, {"error": "invalid_client"}, "HTTP 400: invalid_client"),
        (403, {"error": f"{SECRET} is wrong\x1b[31m"}, r"\(secret\) is wrong"),
        (500, {}, "HTTP 500: it does not answer"),
        (302, {"access_token": "x"}, "HTTP 302"),
        (200, {"token_type": "Bearer"}, "no token"),
        (200, {"access_token": "two words"}, "no token"),
        (200, {"access_token": 7}, "no token"),
        (200, {"access_token": "x" * 200_000}, "endless"),
        (200, {"access_token": "x", "expires_in": "soon"}, ""),
    ],
)
def test_a_server_that_gives_none_is_a_sentence(
    status: int, answer: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with token_server() as server:
        server.status, server.answer = status, answer
        credentials = OAuth2(file_for(tmp_path, server.url))
        if not reason:
            assert credentials.token() == "x"
            return
        with pytest.raises(TokenUnavailable, match=reason) as caught:
            credentials.token()
        assert len(server.forms) == 1
    assert_showable(str(caught.value))
    assert SECRET not in str(caught.value)
    assert caught.value.transient


def test_a_server_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    credentials = OAuth2(file_for(tmp_path, "http://127.0.0.1:9"))
    with pytest.raises(TokenUnavailable, match="refused"):
        credentials.token()


@pytest.mark.parametrize("endpoint", [None, 7, "http://elsewhere.example/token", "http://[", "https://user@host"])
def test_the_secret_goes_nowhere_else(endpoint: object, tmp_path: Path) -> None:
    with token_server() as server:
        server.endpoint = endpoint
        with pytest.raises(TokenUnavailable, match="no token endpoint with https"):
            OAuth2(file_for(tmp_path, server.url)).token()
        assert server.forms == []


def test_a_server_without_end_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth2, "TIMEOUT_S", 0.2)
    with token_server() as server:
        server.is_silent = True
        with pytest.raises(TokenUnavailable, match=r"timed out|no answer"):
            OAuth2(file_for(tmp_path, server.url)).token()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer_url": "http://elsewhere.example"}, "https"),
        ({"issuer_url": "http://["}, "https"),
        ({"issuer_url": 7}, "texts"),
        ({"client_secret": "a\nb"}, "texts"),
    ],
)
def test_a_file_that_cannot_be_used(changes: dict[str, object], reason: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=reason) as caught:
        OAuth2(file_for(tmp_path, "http://localhost", **changes))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"client_id":"x"}', SECRET.encode()])
def test_a_file_of_another_form(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "file"
    with pytest.raises(InvalidOption, match="cannot be read"):
        OAuth2(file)
    file.write_bytes(content)
    with pytest.raises(InvalidOption, match="expected JSON with client_id") as caught:
        OAuth2(file)
    assert SECRET not in str(caught.value)
