"""jgo without a network: its errors become sentences without an address in them."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from jgo.util import http

from pulsar_cam.node.software.maven import DownloadFailed, fetch


class Answer:
    """What requests returns for a download."""

    def __init__(self, status: int, chunks: list[bytes | Exception]) -> None:
        self.status_code = status
        self.chunks = chunks
        self.headers = {"content-length": "8"}
        self.text = "0"

    def iter_content(self, chunk_size: int) -> object:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: Answer | Exception) -> None:
    def get(_url: str, **_options: object) -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(http, "get", get)


def test_the_progress_counts_what_arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, Answer(200, [b"abc", b"defgh"]))
    told: list[tuple[int, int]] = []
    tarball = fetch("4.0.8", tmp_path, lambda *sizes: told.append(sizes))
    assert tarball.read_bytes() == b"abcdefgh"
    assert told == [(3, 8), (8, 8)]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (requests.ConnectionError("https://there:443 refused"), "no connection to the Maven repository"),
        (requests.exceptions.ProxyError("there"), "the proxy cannot be used"),
        (requests.exceptions.SSLError("there"), "certificate is not trusted"),
        (requests.ReadTimeout("there"), "no answer within 60 s"),
        (requests.exceptions.InvalidURL("there"), "InvalidURL"),
        (Answer(404, []), "does not have it"),
        (Answer(200, [b"abc", requests.exceptions.ChunkedEncodingError("there")]), "the connection broke"),
    ],
)
def test_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer | Exception, sentence: str) -> None:
    answer_with(monkeypatch, answer)
    with pytest.raises(DownloadFailed, match=sentence) as caught:
        fetch("4.0.8", tmp_path, lambda _arrived, _total: None)
    assert "there" not in str(caught.value)
