"""The error tree: drawn as it is, and one sentence with cause and next step per class."""

from __future__ import annotations

import errno
import inspect
import pickle
import re

import pytest

from pulsar_cam import errors
from pulsar_cam.errors import PulsarCamError

TOPIC = "persistent://public/default/cows"
SENTENCES: list[tuple[PulsarCamError, str]] = [
    (errors.InvalidOption("fps", 0, "expected more than 0"), "`fps` 0: expected more than 0"),
    (errors.InvalidOption("every_frame", True, "it is for films"), "`every_frame`: it is for films"),
    (
        errors.DependencyMissing("libGL is missing", "On Debian: sudo apt-get install libgl1"),
        "libGL is missing. On Debian: sudo apt-get install libgl1",
    ),
    (
        errors.DeviceNotFound("7", ["0 (Webcam)", "2"]),
        "camera 7 not found; choose from: 0 (Webcam), 2, or try 'pulsar-cam publish --source test-pattern:'",
    ),
    (
        errors.DeviceNotFound("0", [], "is busy"),
        "camera 0 is busy; this machine has no camera: try 'pulsar-cam publish --source test-pattern:'",
    ),
    (
        errors.SourceUnreadable("film.mp4", "there is no such file", "check its path"),
        "cannot read video from film.mp4: there is no such file; check its path",
    ),
    (
        errors.SourceStopped("camera-0", "no good frame for 5 s", "check the cable"),
        "camera-0 stopped: no good frame for 5 s; check the cable",
    ),
    (errors.EncodeError("frame 7 cannot be a JPEG"), "frame 7 cannot be a JPEG"),
    (errors.DecodeError("not a JPEG"), "not a JPEG"),
    (
        errors.DisplayError("DISPLAY is not set", "Use --headless"),
        "cannot open a window: DISPLAY is not set. Use --headless",
    ),
    (
        errors.OutputError.of("a\x1b.jpg", OSError(errno.ENOSPC, "No space left on device")),
        "cannot write a\ufffd.jpg: No space left on device; make room there, or choose another folder",
    ),
    (errors.OutputError.of("a\0", ValueError("null byte")), "cannot write a\ufffd: null byte; choose another file"),
    (
        errors.NodeUnreachable("ws://localhost:8080", "connection refused"),
        "no Pulsar node answers at ws://localhost:8080 (connection refused); start one with 'pulsar-cam node start', "
        "or set `service_url`",
    ),
    (
        errors.NodeUnreachable("wss://pulsar.example", "no answer within 10 s"),
        "no Pulsar node answers at wss://pulsar.example (no answer within 10 s); check `service_url`, and that the "
        "node runs",
    ),
    (
        errors.NodeUnreachable("http://[::1]:80", *errors.PROXY_UNUSABLE),
        "no Pulsar node answers at http://[::1]:80 (the proxy named in the environment cannot be used); unset it, or "
        "except this host with NO_PROXY",
    ),
    (
        errors.TlsFailed("wss://pulsar", "its certificate has expired", "have it renewed"),
        "no secure connection to wss://pulsar: its certificate has expired; have it renewed",
    ),
    (
        errors.TokenUnavailable("the file is empty", "it is read again"),
        "there is no token: the file is empty; it is read again",
    ),
    (
        errors.NotAuthenticated("ws://localhost:8080"),
        "ws://localhost:8080 rejected our credentials: the node wants a token, and none is given; give one "
        "with `credentials`",
    ),
    (
        errors.NotAuthorized(f"publish to {TOPIC}", "produce"),
        f"our role is not allowed to publish to {TOPIC}; ask the node's administrator to grant the permission "
        "'produce'",
    ),
    (
        errors.NotAuthorized("read the node's settings"),
        "our role is not allowed to read the node's settings; ask the node's administrator to grant it",
    ),
    (
        errors.NamespaceNotFound("zoo/barn"),
        "namespace zoo/barn does not exist on this node; check `topic`, or have it created",
    ),
    (
        errors.TopicNotFound(TOPIC),
        f"topic {TOPIC} does not exist; make it with 'pulsar-cam create-topic --topic {TOPIC}'",
    ),
    (
        errors.TopicTerminated(TOPIC),
        f"topic {TOPIC} was terminated and takes no messages any more; use another `topic`",
    ),
    (
        errors.BacklogFull(TOPIC, "backlog quota exceeded"),
        f"topic {TOPIC} takes no messages while its backlog is full (backlog quota exceeded); "
        "remove subscriptions that are not read, or use another `topic`",
    ),
    (
        errors.MessageRejected(TOPIC, 17, "Exceed maximum message size", "lower `quality` or `size`"),
        f"frame 17 cannot be published to {TOPIC}: Exceed maximum message size; lower `quality` or `size`",
    ),
    (
        errors.NameInUse("subscription 'viewer1'", "Exclusive consumer is already connected"),
        "subscription 'viewer1' is in use by another client (Exclusive consumer is already connected); choose "
        "another `subscription`, or wait: a client that lost its network holds the name until the node's "
        "idle time-out",
    ),
    (
        errors.NameInUse("producer name 'cam1'", "already connected"),
        "producer name 'cam1' is in use by another client (already connected); wait: a client that lost its network "
        "holds the name until the node's idle time-out",
    ),
    (
        errors.LimitReached("topic persistent://public/default/cows", "producers"),
        "topic persistent://public/default/cows has reached its limit of producers; end or delete one that is not "
        "needed, or have the limit raised",
    ),
    (
        errors.ProducerExcluded(TOPIC),
        f"topic {TOPIC} is held by an exclusive producer; end that producer, or use another `topic`",
    ),
    (
        errors.NodeUnreachable("ws://localhost:8080", "no answer within 10 s", "see whether a backlog is full"),
        "no Pulsar node answers at ws://localhost:8080 (no answer within 10 s); see whether a backlog is full",
    ),
    (
        errors.RequestRejected("publish", 409, "no schema", "use another `topic`", False),
        "Pulsar refused to publish: no schema (HTTP 409); use another `topic`",
    ),
    (
        errors.ConnectionLost("ws://localhost:8080", "no close frame"),
        "the connection to ws://localhost:8080 was lost (no close frame); 'pulsar-cam doctor' says what is wrong",
    ),
    (
        errors.RequestRejected(f"publish to {TOPIC}", 400, "Invalid query params"),
        f"Pulsar refused to publish to {TOPIC}: Invalid query params (HTTP 400); look at the node's log",
    ),
    (
        errors.RequestRejected(f"publish to {TOPIC}", 503, "no reason given"),
        f"Pulsar refused to publish to {TOPIC}: no reason given (HTTP 503); it may be starting or overloaded: try "
        "again, or look at the node's log",
    ),
    (
        errors.BadMessage("text that is not JSON"),
        "Pulsar sent something unreadable: text that is not JSON; check that `service_url` is a Pulsar node's",
    ),
    (
        errors.HookFailed("the webhook", "it answers with HTTP 404", "check its URL"),
        "the webhook failed: it answers with HTTP 404; check its URL",
    ),
    (
        errors.LocalNodeError("port 8080 is in use", "choose another `port`"),
        "port 8080 is in use; choose another `port`",
    ),
    (errors.LocalNodeError("it is already stopped"), "it is already stopped"),
]


@pytest.mark.parametrize(("error", "sentence"), SENTENCES, ids=lambda value: type(value).__name__)
def test_error_says_cause_and_next_step(error: PulsarCamError, sentence: str) -> None:
    assert str(error) == sentence


def subclasses(kind: type[PulsarCamError]) -> list[type[PulsarCamError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in subclasses(child))]


def test_every_error_that_is_raised_has_its_sentence_in_the_table() -> None:
    families = {errors.PulsarCamError, errors.SourceError, errors.ImageError, errors.PulsarError}
    assert {type(error) for error, _ in SENTENCES} == set(subclasses(PulsarCamError)) - families


def test_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    drawn = re.findall(r"^( *)([A-Z]\w+)(?= {2,}|$)", inspect.getdoc(errors) or "", re.MULTILINE)
    parents: dict[int, str] = {}
    tree = []
    for indent, name in drawn:
        tree.append((name, parents.get(len(indent) - 4)))
        parents[len(indent)] = name
    assert tree == [(kind.__name__, _parent(kind)) for kind in subclasses(PulsarCamError)]


def _parent(kind: type[PulsarCamError]) -> str | None:
    return kind.__mro__[1].__name__ if kind is not PulsarCamError else None


def test_the_docstring_says_which_errors_are_transient() -> None:
    marked = re.findall(r"(\w+) .*\(transient\)", errors.__doc__ or "")
    assert marked == [kind.__name__ for kind in subclasses(PulsarCamError) if kind.transient is True]


@pytest.mark.parametrize(("status", "transient"), [(400, False), (404, False), (429, True), (500, True), (503, True)])
def test_a_refusal_is_transient_when_the_server_is_at_fault(status: int, transient: bool) -> None:
    assert errors.RequestRejected("publish", status, "").transient is transient


@pytest.mark.parametrize("transient", [True, False])
def test_a_cause_that_is_known_says_more_than_the_status(transient: bool) -> None:
    assert errors.RequestRejected("publish", 500, "", "", transient).transient is transient


def test_the_value_of_a_bad_option_is_shown_in_part_only() -> None:
    assert len(str(errors.InvalidOption("topic", "x" * 10_000, "expected a name"))) < 250


@pytest.mark.parametrize(("error", "sentence"), SENTENCES, ids=lambda value: type(value).__name__)
def test_error_travels_between_processes(error: PulsarCamError, sentence: str) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == sentence
