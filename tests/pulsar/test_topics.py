"""Names of topics and subscriptions."""

from __future__ import annotations

from urllib.parse import unquote, unquote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.errors import InvalidOption
from pulsar_cam.pulsar.topics import DEFAULT_TOPIC, Topic, check_subscription, subscription_path

from ..lab.hostile import assert_showable, value_or_error


@pytest.mark.parametrize(
    ("text", "full", "path"),
    [
        (DEFAULT_TOPIC, "persistent://public/default/video-stream", "persistent/public/default/video-stream"),
        ("zoo/barn/cows", "persistent://zoo/barn/cows", "persistent/zoo/barn/cows"),
        ("non-persistent://public/default/a", "non-persistent://public/default/a", "non-persistent/public/default/a"),
        ("Kühe:1@x", "persistent://public/default/Kühe:1@x", "persistent/public/default/K%C3%BChe%3A1%40x"),
        ("50%?#&+", "persistent://public/default/50%?#&+", "persistent/public/default/50%25%3F%23%26%2B"),
        ("a-partition-3", "persistent://public/default/a-partition-3", "persistent/public/default/a-partition-3"),
        ("x" * 500, f"persistent://public/default/{'x' * 500}", f"persistent/public/default/{'x' * 500}"),
    ],
)
def test_topic_is_completed_and_encoded(text: str, full: str, path: str) -> None:
    topic = Topic.parse(text)
    assert str(topic) == full
    assert topic.path == path
    assert Topic.parse(full[:500]) == topic or len(full) > 500
    assert topic.is_persistent is not text.startswith("non-")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/b",
        "a/b/c/d",
        "//",
        "/a/b",
        "kafka://a/b/c",
        "Persistent://a/b/c",
        "persistent://a/b",
        "persistent://a/b/",
        "persistent:///b/c",
        "ten ant/b/c",
        "tenänt/b/c",
        "a/b?/c",
        "has space",
        "new\nline",
        "null\x00",
        "escape\x1b[2J",
        "caf\udce9",
        "..",
        "a/../c",
        "./b/c",
        "x" * 501,
        "\u202e",
        "\u00a0",
    ],
)
def test_name_that_pulsar_could_not_take_is_refused_in_plain_ascii(text: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        Topic.parse(text)
    assert_showable(str(caught.value))
    assert str(caught.value).isascii()


@pytest.mark.parametrize(("text", "reason"), [("caf\udce9", "not valid UTF-8"), ("a\u200bb", "invisible characters")])
def test_a_name_is_refused_with_its_own_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidOption, match=reason):
        Topic.parse(text)


@given(st.text(max_size=60) | st.text("abc/.:- %ü\x00", max_size=30).map(lambda text: f"persistent://{text}"))
def test_any_text_is_a_topic_with_a_safe_path_or_an_invalid_option(text: str) -> None:
    topic = value_or_error(lambda: Topic.parse(text), InvalidOption)
    if topic:
        assert_showable(str(topic))
        assert urlsplit(f"http://host/{topic.path}").path == f"/{topic.path}"
        assert unquote(topic.path) == str(topic).replace("://", "/", 1)
        assert topic.path.count("/") == 3


@pytest.mark.parametrize("name", ["viewer1", "Kühe im Stall", "a/b?c", "x" * 200])
def test_subscription_may_have_any_printable_name(name: str) -> None:
    assert check_subscription(name) == name


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\nb", "\x1b", "\udce9", ".", ".."])
def test_subscription_without_a_usable_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        check_subscription(name)
    assert_showable(str(caught.value))


@given(st.text(max_size=60))
def test_a_subscription_in_an_admin_url_is_what_pulsar_makes_of_it_when_it_decodes_twice(name: str) -> None:
    if value_or_error(lambda: check_subscription(name), InvalidOption):
        folder, part = subscription_path(name).split("/")
        assert (folder, unquote_plus(unquote_plus(part))) == ("subscription", name)
        assert not set(part) & set("./+;?# ")
