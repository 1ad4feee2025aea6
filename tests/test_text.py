"""Text from strangers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.text import LARGEST, LONGEST_JSON, load_json, number, printable, reason_of, size_text, whole

from .lab.hostile import assert_showable
from .lab.tokens import token


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Haustür 2", "Haustür 2"),
        ("摄像头", "摄像头"),
        ("a\x1b[2Jb", "a\ufffd[2Jb"),
        ("a\r\nb\tc\x00", "a\ufffd\ufffdb\ufffdc\ufffd"),
        ("right\u202eto left", "right\ufffdto left"),
        ("\udc80", "\ufffd"),
        ("", ""),
    ],
)
def test_printable_replaces_what_a_terminal_would_obey_or_hide(text: str, safe: str) -> None:
    assert printable(text) == safe


def test_printable_shows_that_it_left_something_out() -> None:
    assert printable("x" * 10, 10) == "x" * 10
    assert printable("x" * 11, 10) == "x" * 10 + "..."


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "org.apache.pulsar.client.api.PulsarClientException$TopicTerminatedException: Topic was terminated",
            "Topic was terminated",
        ),
        ("Invalid query params: configured value", "Invalid query params: configured value"),
        ("java.lang.IllegalArgumentException: Invalid topic name format\n\tat org.x.Y", "Invalid topic name format"),
        ("  \n", ""),
        ("", ""),
    ],
)
def test_reason_of_is_the_sentence_in_a_java_message(message: str, reason: str) -> None:
    assert reason_of(message) == reason


@given(st.text(st.characters(codec=None), max_size=3000))
def test_any_text_becomes_showable(text: str) -> None:
    assert_showable(printable(text), 123)
    assert_showable(reason_of(text), 303)


def test_json_is_loaded_from_text_and_bytes() -> None:
    assert load_json('{"a": [1, "\u00fc"]}') == load_json('{"a": [1, "\u00fc"]}'.encode()) == {"a": [1, "\u00fc"]}
    assert load_json(b"[" + b"1," * 99_000 + b"1]") == [1] * 99_001


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "NaN", "\ud800", b"\xff", b"[" * 2000 + b"]" * 2000, b"[" + b"{}," * 60_000 + b"{}]",
        b'"' + b"x" * LONGEST_JSON + b'"',
    ],
    ids=["nothing", "unfinished", "no number", "surrogate", "no UTF-8", "nested", "many values", "long"],
)  # fmt: skip
def test_json_that_is_none_or_too_much_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own, of which the text is of no use
        load_json(text)


@pytest.mark.parametrize("secret", [token("camera"), token("camera")[:200], token("camera").partition(".")[0]])
def test_a_token_that_a_server_repeats_is_left_out(secret: str) -> None:
    for text in (f"header Authorization: Bearer {secret} is bad", secret, f"'{secret}'"):
        assert secret not in printable(text, 500)
        assert secret not in reason_of(text)
        assert "(token)" in printable(text)


@pytest.mark.parametrize(
    ("value", "most", "least", "found"),
    [
        (7, 10, 0, 7),
        ("7", 10, 0, 7),
        (0, 10, 0, 0),
        (10, 10, 0, 10),
        (11, 10, 0, None),
        (-1, 10, 0, None),
        ("-1", 10, -1, -1),
        (0, 10, 1, None),
        (True, 10, 0, None),
        (7.0, 10, 0, None),
        (None, 10, 0, None),
        ([7], 10, 0, None),
        *(
            (text, LARGEST, 0, None)
            for text in ("", " 7", "7\n", "+7", "1_0", "1e3", "٣", "0x1", "9" * 19, "9" * 5000)
        ),
        (2**63, LARGEST, 0, None),
    ],
)
def test_a_whole_number_of_a_stranger(value: object, most: int, least: int, found: int | None) -> None:
    assert whole(value, most, least=least) == found


@pytest.mark.parametrize("value", [None, "1", True, -0.1, 9.1, math.nan, math.inf, -math.inf, 10**400, [1]])
def test_what_is_not_a_number_of_a_stranger(value: object) -> None:
    assert number(value, 9) is None


def test_a_number_of_a_stranger_may_be_whole() -> None:
    assert (number(9, 9), number(0.5, 9), number(0, 9)) == (9.0, 0.5, 0.0)


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (999, "999 B"), (999.7, "1 kB"), (50_000, "50 kB"), (1_234_000, "1.23 MB"), (999_600_000, "1 GB"),
     (2.5e12, "2.5 TB")],
)  # fmt: skip
def test_a_size_has_three_digits(size: float, shown: str) -> None:
    assert size_text(size) == shown


TRACE = (
    "\n --- An unexpected error occurred in the server ---\n\nMessage: URLDecoder: Incomplete trailing escape (%) "
    "pattern\n\nStacktrace:\n\njava.lang.IllegalArgumentException: URLDecoder\n\tat java.base/java.net.URLDecoder\n"
)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (TRACE, "URLDecoder: Incomplete trailing escape (%) pattern"),
        ("org.apache.pulsar.A$B: no schema caused by org.apache.pulsar.A$B: no schema", "no schema"),
        (
            "Idle: java.util.concurrent.TimeoutException: Idle timeout expired: 5/5 ms",
            "Idle: Idle timeout expired: 5/5 ms",
        ),
        ("persistent://a/b/com.example.Door is gone", "persistent://a/b/com.example.Door is gone"),
    ],
)
def test_a_reason_has_no_java_in_it(message: str, reason: str) -> None:
    assert reason_of(message) == reason
