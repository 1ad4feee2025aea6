"""What is too large to be read is cut down to its beginning; all else passes as it came, in whatever pieces."""

from __future__ import annotations

import random

import pytest

from pulsar_cam.pulsar.sessions import cut
from pulsar_cam.pulsar.sessions.cut import Cut

HANDSHAKE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
LIMIT = 4000
TEXT, CONT, PONG = 0x81, 0x80, 0x8A


@pytest.fixture(autouse=True)
def low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "MAX_TEXT_BYTES", LIMIT)


def frame(first: int, payload: bytes, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    if size < 126:
        return bytes([first, size]) + payload
    if size < 65536:
        return bytes([first, 126]) + size.to_bytes(2) + payload
    return bytes([first, 127]) + size.to_bytes(8) + payload


def passed(stream: bytes, seed: int) -> tuple[bytes, Cut]:
    """Return what is passed of a stream that comes in random pieces."""
    rest, pieces, cutting, chance = stream, [], Cut(), random.Random(seed)
    while rest:
        size = chance.choice([1, 2, 3, 10, 500, 5000, 100_000])
        pieces.append(cutting.passed(rest[:size]))
        rest = rest[size:]
    return b"".join(pieces), cutting


@pytest.mark.parametrize("seed", range(30))
def test_what_is_not_too_large_passes_as_it_came(seed: int) -> None:
    frames = [frame(TEXT, b"x" * size) for size in (0, 1, 125, 126, 127, 3999, LIMIT)]
    stream = HANDSHAKE + b"".join(frames) + frame(PONG, b"pong") + frame(0x01, b"y" * 3000) + frame(CONT, b"y" * 1000)
    whole, cutting = passed(stream, seed)
    assert whole == stream
    assert cutting.message_bytes == 0 + 1 + 125 + 126 + 127 + 3999 + LIMIT + 4000


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("size", [LIMIT + 1, 70_000])
def test_of_what_is_too_large_the_beginning_passes(size: int, seed: int) -> None:
    large = frame(TEXT, b"begin" + b"x" * (size - 5))
    whole, _ = passed(HANDSHAKE + frame(TEXT, b"before") + large + frame(PONG, b"p") + frame(TEXT, b"after"), seed)
    beginning = frame(TEXT, b"begin" + b"x" * (1024 - 5))
    assert whole == HANDSHAKE + frame(TEXT, b"before") + beginning + frame(PONG, b"p") + frame(TEXT, b"after")


@pytest.mark.parametrize("seed", range(10))
def test_of_a_message_in_fragments_what_goes_too_far_is_left_out(seed: int) -> None:
    fragments = [frame(0x01, b"a" * 3000), frame(0x00, b"b" * 2000), frame(PONG, b""), frame(CONT, b"c" * 10)]
    whole, _ = passed(HANDSHAKE + b"".join(fragments) + frame(TEXT, b"after"), seed)
    left = [frame(0x01, b"a" * 3000), bytes([0x00, 126, 0, 0]), frame(PONG, b""), bytes([CONT, 126, 0, 0])]
    assert whole == HANDSHAKE + b"".join(left) + frame(TEXT, b"after")


@pytest.mark.parametrize("seed", range(10))
def test_a_refused_handshake_passes_whole(seed: int) -> None:
    page = b"HTTP/1.1 404 Not Found\r\n\r\n" + bytes(range(256)) * 40
    assert passed(page, seed)[0] == page
