"""Refused handshakes: the pages of a Pulsar 4.0.8 node (Jetty 9.4.58), and pages of others."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsar_cam.errors import (
    BacklogFull,
    NameInUse,
    NamespaceNotFound,
    NodeUnreachable,
    NotAuthenticated,
    NotAuthorized,
    PulsarError,
    RequestRejected,
    TopicNotFound,
    TopicTerminated,
)
from pulsar_cam.pulsar.refusal import reason_in, refusal
from pulsar_cam.pulsar.target import Target
from pulsar_cam.pulsar.topics import Topic

from ..lab.hostile import assert_showable

TARGET = Target(
    url="ws://localhost:8080/ws/v2/consumer/persistent/zoo/barn/cows/viewer1",
    node="ws://localhost:8080",
    action="subscribe to persistent://zoo/barn/cows",
    topics=(Topic.parse("zoo/barn/cows"),),
    permission="consume",
    name="subscription 'viewer1'",
)


def page(status: int, message: str) -> bytes:
    """Return Jetty's error page as a node sends it, in ISO 8859-1."""
    text = html.escape(message)
    return f"""<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=iso-8859-1"/>
<title>Error {status} {text}</title>
</head>
<body><h2>HTTP ERROR {status} {text}</h2>
<table>
<tr><th>URI:</th><td>/ws/v2/consumer/persistent/zoo/barn/cows/viewer1</td></tr>
<tr><th>STATUS:</th><td>{status}</td></tr>
<tr><th>MESSAGE:</th><td>{text}</td></tr>
<tr><th>SERVLET:</th><td>org.apache.pulsar.websocket.WebSocketConsumerServlet-6d9f624</td></tr>
</table>
<hr><a href="https://eclipse.org/jetty">Powered by Jetty:// 9.4.58.v20250814</a><hr/>

</body>
</html>
""".encode("latin-1", "xmlcharrefreplace")


def from_broker(kind: str, message: str) -> str:
    detail = '"reqId":3607741338136023,"remote":"localhost/127.0.0.1:6650","local":"/127.0.0.1:41234"'
    return f'Failed to create {kind}: {{"errorMsg":"{message}",{detail}}}'


JAVA = "org.apache.pulsar.client.api.PulsarClientException$"
QUOTA = "Cannot create producer on topic with backlog quota exceeded"
IN_USE = "Producer with name 'cam1' is already connected to topic 'persistent://zoo/barn/cows'"
OTHER_TYPE = (
    "Subscription is of different type. Active subscription type of 'Exclusive' is different than the connecting "
    "consumer's type 'Shared'."
)
REFUSALS: list[tuple[int, str, type[PulsarError], str]] = [
    (
        400,
        "Invalid query params: Invalid compressionType gzip",
        RequestRejected,
        "Invalid compressionType gzip (HTTP",
    ),
    (401, "Authentication required", NotAuthenticated, "ws://localhost:8080 rejected our credentials"),
    (403, "Not authorized", NotAuthorized, "not allowed to subscribe to persistent://zoo/barn/cows"),
    (404, from_broker("consumer", "Namespace not found"), NamespaceNotFound, "namespace zoo/barn does not exist"),
    (404, from_broker("producer", ""), TopicNotFound, "topic persistent://zoo/barn/cows does not exist"),
    (404, from_broker("producer", "Topic does not exist"), TopicNotFound, "topic persistent://zoo/barn/cows does"),
    (404, "Not Found", NodeUnreachable, "but not Pulsar's WebSocket API: HTTP 404"),
    (409, from_broker("producer", f"{JAVA}NamingException: {IN_USE}"), NameInUse, f"another client ({IN_USE});"),
    (409, from_broker("consumer", "Exclusive consumer is already connected"), NameInUse, "subscription 'viewer1' is"),
    (409, from_broker("consumer", OTHER_TYPE), NameInUse, OTHER_TYPE),
    (500, "java.lang.IllegalArgumentException: Invalid topic name format", RequestRejected, ": Invalid topic name f"),
    (
        500,
        from_broker("consumer", "Durable subscription with the same name already exists."),
        RequestRejected,
        "same",
    ),
    (
        503,
        from_broker("producer", f"{JAVA}TopicTerminatedException: Topic was already terminated"),
        TopicTerminated,
        "was terminated",
    ),
    (503, from_broker("producer", f"{JAVA}TopicBacklogQuotaExceededException: {QUOTA}"), BacklogFull, QUOTA),
    (503, from_broker("producer", "The broker is starting"), RequestRejected, "The broker is starting (HTTP 503)"),
]


@pytest.mark.parametrize(("status", "message", "kind", "sentence"), REFUSALS)
def test_page_of_a_refused_session_becomes_its_error(
    status: int, message: str, kind: type[PulsarError], sentence: str
) -> None:
    error = refusal(status, page(status, message), TARGET)
    assert type(error) is kind
    assert sentence in str(error)
    assert_showable(str(error))
    assert "org.apache" not in str(error)


STRANGERS_PAGES: list[tuple[int, bytes, type[PulsarError]]] = [
    (200, b"<html>Welcome</html>", NodeUnreachable),
    (403, b"<html>Authentication required</html>", NodeUnreachable),
    (404, b"", NodeUnreachable),
    (404, b"<html><h1>404</h1>nginx</html>", NodeUnreachable),
    (405, b"", NodeUnreachable),
    (409, b"", NameInUse),
    (431, b"<h1>Bad Message 431</h1><pre>reason: Request Header Fields Too Large</pre>", RequestRejected),
    (501, b"Unsupported method", NodeUnreachable),
    (502, b"<html><h1>502 Bad Gateway</h1></html>", RequestRejected),
]


@pytest.mark.parametrize(("status", "body", "kind"), STRANGERS_PAGES)
def test_page_that_is_not_pulsars_gives_no_reason(status: int, body: bytes, kind: type[PulsarError]) -> None:
    error = refusal(status, body, TARGET)
    assert type(error) is kind
    assert reason_in(body) == ""
    assert "Not Found" not in str(error)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('Failed: {"errorMsg":"it\'s <b>&amp;</b>"}', "it's <b>&amp;</b>"),
        ('Failed: {"errorMsg":17}', "Failed:"),
        ("Failed: {broken", "Failed:"),
        ("Failed: {" + '"a":[' * 500, "Failed:"),
        ("\x1b[2Jgone", "\ufffd[2Jgone"),
        ("first line\nat java.lang.Thread", "first line"),
        ("x" * 100_000, "x" * 300 + "..."),
    ],
)
def test_reason_is_one_short_printable_line(message: str, reason: str) -> None:
    assert reason_in(page(500, message)) == reason


@pytest.mark.parametrize(
    "body",
    [
        b"<th>MESSAGE:</th><td>" * 50_000,
        b"<th>MESSAGE:</th><td>&#" + b"9" * 100_000 + b";</td>",
        b"<th>MESSAGE:</th><td>&#xD800;&#0;&#x1b;</td>",
        b"<th>MESSAGE:</th><td>" + b"a." * 100_000,
    ],
    ids=["cells without an end", "endless number", "characters that are none", "endless class name"],
)
def test_page_made_to_do_harm_does_none(body: bytes) -> None:
    assert_showable(reason_in(body), 303)


pages = st.binary(max_size=500) | st.text(max_size=300).map(lambda text: page(500, text))


@given(pages, st.sampled_from([400, 401, 403, 404, 409, 500, 503]) | st.integers(100, 999))
def test_any_page_becomes_an_error_that_can_be_shown(body: bytes, status: int) -> None:
    assert_showable(reason_in(body), 303)
    assert_showable(str(refusal(status, body, TARGET)))
