"""Tokens: read, sent, and explained when a node does not take them; never shown."""

from __future__ import annotations

import asyncio
import base64
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.errors import InvalidOption, TokenUnavailable
from pulsar_cam.pulsar.access import credentials
from pulsar_cam.pulsar.access.credentials import Token, TokenFile, expiry_of, headers_of, read_token, refused

from ...lab.tokens import token

URL = "wss://pulsar"


def test_a_token_goes_into_the_header_and_nowhere_else() -> None:
    assert asyncio.run(headers_of(Token("secret"))) == {"Authorization": "Bearer secret"}
    assert asyncio.run(headers_of(None)) == {}
    assert "secret" not in f"{Token('secret')!r} {Token('secret')}"


def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "token")
    with pytest.raises(TokenUnavailable, match="No such file"):
        file.token()
    for text in ("first", "second"):
        file.path.write_text(text)
        assert file.token() == text
    file.path.write_text("")  # someone is about to write it
    with pytest.raises(TokenUnavailable, match="holds no token") as caught:
        file.token()
    assert caught.value.transient


@pytest.mark.parametrize(
    "content", [b"one\ntwo", b"a\x00b", b"\xff\xfe\x00secret", b"sec\x1b[31mret", b"x" * 100_000]
)
def test_a_file_that_holds_something_else_is_not_repeated(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(InvalidOption, match=r"holds no token|not a text file") as caught:
        read_token(file)
    assert len(str(caught.value)) < 300
    for word in content.decode("latin-1").split():
        assert word not in str(caught.value)


def test_a_token_in_place_of_a_file_is_not_repeated() -> None:
    with pytest.raises(InvalidOption, match="token") as caught:
        read_token(Path(token("camera")))
    assert token("camera")[:20] not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret", encoding="utf-8-sig")
    assert read_token(tmp_path / "token") == "secret"


def test_a_file_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Token):
        def token(self) -> str:
            released.wait(10)
            return self.secret

    released = threading.Event()
    monkeypatch.setattr(credentials, "TIMEOUT_S", 0.05)

    async def main() -> None:
        try:
            with pytest.raises(TokenUnavailable, match="within"):
                await headers_of(Slow("secret"))
        finally:
            released.set()

    asyncio.run(main())


def test_why_a_token_is_refused_is_told_apart(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "token")
    sentences = {
        "none is given": refused(URL, None, {}),
        "expired at 20": refused(URL, Token("x"), {"Authorization": f"Bearer {token('camera', -60)}"}),
        "may be damaged or for another node": refused(
            URL, Token("x"), {"Authorization": f"Bearer {token('camera', 60)}"}
        ),
        f"put a new one in {file.path}": refused(URL, file, {"Authorization": "Bearer x"}),
    }
    for part, error in sentences.items():
        assert part in str(error)
        assert error.transient is (error.remedy == file.renewal)


def test_the_expiry_of_a_token_is_told_without_its_key() -> None:
    expires_at = expiry_of(token("camera", 3600))
    assert expires_at
    assert 3500 < (expires_at - datetime.now(UTC)).total_seconds() < 3700
    assert expiry_of(token("camera", None)) is None


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_what_is_no_json_web_token_tells_no_expiry(text: str) -> None:
    assert expiry_of(text) is None
    assert expiry_of(f"a.{text}.b") is None


@pytest.mark.parametrize(
    "claims", ['{"exp":1e300}', '{"exp":"x"}', '{"exp":null}', '{"exp":[]}', "[1]", "7", '{"exp":-1e18}', "{" * 5000]
)
def test_claims_of_another_form_tell_no_expiry(claims: str) -> None:
    assert expiry_of(f"a.{base64.urlsafe_b64encode(claims.encode()).decode()}.b") is None
