"""Every error that pulsar-cam raises on purpose, as one tree.

PulsarCamError                root: the command line catches this one name
    InvalidOption             a value that cannot work, found before anything was started (exit code 2)
    DependencyMissing         a package or system library is not installed
    SourceError               a source gives no frames
        DeviceNotFound
        SourceUnreadable      a file or address that is not a readable video
        SourceStopped         it worked, then stopped (transient)
    ImageError
        EncodeError
        DecodeError           bytes that are not a JPEG, or one too large to be safe
    DisplayError              no window can be opened
    OutputError               a file cannot be written
    PulsarError               Pulsar, or the way to it
        NodeUnreachable       (transient)
            TlsFailed         no secure connection, or one to a stranger (transient)
        TokenUnavailable      the token's file or server gives none now (transient)
        NotAuthenticated
        NotAuthorized
        NamespaceNotFound     it can be made again (transient)
        TopicNotFound         (transient)
        TopicTerminated
        BacklogFull           its backlog quota is reached (transient)
        NameInUse             the subscription or producer name is held by another client (transient)
        LimitReached          the topic or namespace has as many of them as it may (transient)
        ProducerExcluded      another producer has the topic for itself (transient)
        ConnectionLost        (transient)
        RequestRejected       any other refusal, in Pulsar's own words
        MessageRejected       a frame that may not be left out, and that Pulsar will never take
        BadMessage            JSON from the other side that is not what Pulsar sends
    HookFailed                a change of state could not be reported
    LocalNodeError            the Pulsar node that this machine runs for us

A class keeps its facts as attributes and builds its sentence in ``__str__``: the cause, then the next step.
``transient`` says whether trying the same again later can succeed.
"""

from __future__ import annotations

import errno
import re

from .text import printable


class PulsarCamError(Exception):
    """Root of the tree."""

    transient = False


class InvalidOption(PulsarCamError, ValueError):
    """A parameter with a value that cannot work.

    Sentences of the library name parameters in backticks; the command line shows its options instead.
    """

    def __init__(self, parameter: str, value: object, expected: str) -> None:
        super().__init__(parameter, value, expected)
        self.parameter, self.value, self.expected = parameter, value, expected

    def __str__(self) -> str:
        # The name of what was switched on says its value.
        shown = "" if self.value is True else f" {printable(str(self.value), 200)}"
        return f"`{self.parameter}`{shown}: {self.expected}"


class DependencyMissing(PulsarCamError):
    """A package or a system library that this action needs is not installed."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what, self.remedy = what, remedy

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}"


class SourceError(PulsarCamError):
    """A source gives no frames."""


class DeviceNotFound(SourceError):
    """The camera asked for is not there, or cannot be opened."""

    def __init__(self, device: str, available: list[str], problem: str = "not found") -> None:
        super().__init__(device, available, problem)
        self.device, self.available, self.problem = device, available, problem

    def __str__(self) -> str:
        found = f"choose from: {', '.join(self.available)}, or" if self.available else "this machine has no camera:"
        return f"camera {self.device} {self.problem}; {found} try 'pulsar-cam publish --source test-pattern:'"


class SourceUnreadable(SourceError):
    """A file or address that is not a readable video."""

    def __init__(self, source: str, problem: str, remedy: str) -> None:
        super().__init__(source, problem, remedy)
        self.source, self.problem, self.remedy = source, problem, remedy

    def __str__(self) -> str:
        return f"cannot read video from {self.source}: {self.problem}; {self.remedy}"


class SourceStopped(SourceError):
    """A source that worked and then gave no more frames before its end."""

    transient = True

    def __init__(self, source: str, problem: str, remedy: str) -> None:
        super().__init__(source, problem, remedy)
        self.source, self.problem, self.remedy = source, problem, remedy

    def __str__(self) -> str:
        return f"{self.source} stopped: {self.problem}; {self.remedy}"


class ImageError(PulsarCamError):
    """A picture that cannot be encoded or decoded."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


class EncodeError(ImageError):
    """A frame that cannot become a JPEG."""


class DecodeError(ImageError):
    """Bytes that are not a JPEG, a damaged one, or one too large to be safe."""


class DisplayError(PulsarCamError):
    """No window can be opened."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem, self.remedy = problem, remedy

    def __str__(self) -> str:
        return f"cannot open a window: {self.problem}. {self.remedy}"


class OutputError(PulsarCamError):
    """A file cannot be written."""

    def __init__(self, path: str, problem: str, remedy: str) -> None:
        super().__init__(path, problem, remedy)
        self.path, self.problem, self.remedy = path, problem, remedy

    @classmethod
    def of(cls, path: str, error: Exception) -> OutputError:
        """Return the error for what the system said."""
        number = getattr(error, "errno", None)
        return cls(path, getattr(error, "strerror", None) or str(error), _REMEDIES.get(number, "choose another file"))

    def __str__(self) -> str:
        return f"cannot write {printable(self.path, 300)}: {self.problem}; {self.remedy}"


_REMEDIES: dict[int | None, str] = {
    errno.ENOSPC: "make room there, or choose another folder",
    errno.EDQUOT: "make room there, or choose another folder",
    errno.EACCES: "choose a folder in which you may write",
    errno.EPERM: "choose a folder in which you may write",
    errno.EROFS: "choose a folder in which you may write",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class PulsarError(PulsarCamError):
    """Pulsar refused, or cannot be reached."""


PROXY_UNUSABLE = "the proxy named in the environment cannot be used", "unset it, or except this host with NO_PROXY"
"""Why a NodeUnreachable, and what to do, in words that do not repeat the proxy's address: a password can be in it."""

_HERE = re.compile(r"\w+://(localhost|127\.|\[::1\])")


class NodeUnreachable(PulsarError):
    """Nothing answers at the URL, or something that is not Pulsar."""

    transient = True

    def __init__(self, url: str, problem: str, remedy: str = "") -> None:
        super().__init__(url, problem, remedy)
        self.url, self.problem, self.remedy = url, problem, remedy or _usual_remedy(url)

    def __str__(self) -> str:
        return f"no Pulsar node answers at {self.url} ({self.problem}); {self.remedy}"


def _usual_remedy(url: str) -> str:
    if _HERE.match(url):
        return "start one with 'pulsar-cam node start', or set `service_url`"
    return "check `service_url`, and that the node runs"


class TlsFailed(NodeUnreachable):
    """No secure connection: the other side's certificate or ours is not accepted, or one of them speaks no TLS."""

    def __init__(self, url: str, problem: str, remedy: str) -> None:
        super().__init__(url, problem, remedy)

    def __str__(self) -> str:
        return f"no secure connection to {self.url}: {self.problem}; {self.remedy}"


class TokenUnavailable(PulsarError):
    """There is no token to send: its file cannot be read now, or its server gives none."""

    transient = True

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem, self.remedy = problem, remedy

    def __str__(self) -> str:
        return f"there is no token: {self.problem}; {self.remedy}"


class NotAuthenticated(PulsarError):
    """The node wants a valid token and got none, or one it does not accept (HTTP 401).

    ``transient`` where the token can be another one at the next try.
    """

    def __init__(
        self,
        url: str,
        problem: str = "the node wants a token, and none is given",
        remedy: str = "give one with `credentials`",
        transient: bool = False,
    ) -> None:
        super().__init__(url, problem, remedy, transient)
        self.url, self.problem, self.remedy, self.transient = url, problem, remedy, transient

    def __str__(self) -> str:
        return f"{self.url} rejected our credentials: {self.problem}; {self.remedy}"


class NotAuthorized(PulsarError):
    """The node knows us, but our role may not do this (HTTP 403)."""

    def __init__(self, action: str, permission: str = "") -> None:
        super().__init__(action, permission)
        self.action, self.permission = action, permission

    def __str__(self) -> str:
        wanted = f"the permission '{self.permission}'" if self.permission else "it"
        return f"our role is not allowed to {self.action}; ask the node's administrator to grant {wanted}"


class NamespaceNotFound(PulsarError):
    """The tenant or the namespace of the topic does not exist."""

    transient = True

    def __init__(self, namespace: str) -> None:
        super().__init__(namespace)
        self.namespace = namespace

    def __str__(self) -> str:
        return f"namespace {self.namespace} does not exist on this node; check `topic`, or have it created"


class TopicNotFound(PulsarError):
    """The topic does not exist, and the node does not create topics by itself."""

    transient = True

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.topic = topic

    def __str__(self) -> str:
        return f"topic {self.topic} does not exist; make it with 'pulsar-cam create-topic --topic {self.topic}'"


class TopicTerminated(PulsarError):
    """The topic was terminated: it can be read to its end, and never takes a message again."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.topic = topic

    def __str__(self) -> str:
        return f"topic {self.topic} was terminated and takes no messages any more; use another `topic`"


class BacklogFull(PulsarError):
    """The topic takes no messages until its subscriptions have caught up, or lost what they did not read."""

    transient = True

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(topic, reason)
        self.topic, self.reason = topic, reason

    def __str__(self) -> str:
        return (
            f"topic {self.topic} takes no messages while its backlog is full ({self.reason}); "
            "remove subscriptions that are not read, or use another `topic`"
        )


class NameInUse(PulsarError):
    """A subscription or a producer name is held by another client (HTTP 409)."""

    transient = True

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        choose = "choose another `subscription`, or " if self.name.startswith("subscription") else ""
        return (
            f"{self.name} is in use by another client ({self.reason}); {choose}wait: a client that lost its network "
            "holds the name until the node's idle time-out"
        )


class LimitReached(PulsarError):
    """A topic, a namespace or a subscription has as many producers, consumers, subscriptions or topics as it may."""

    transient = True

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what)
        self.where, self.what = where, what

    def __str__(self) -> str:
        return (
            f"{self.where} has reached its limit of {self.what}; end or delete one that is not needed, "
            "or have the limit raised"
        )


class ProducerExcluded(PulsarError):
    """Another producer has exclusive access to the topic, and may have fenced ours out."""

    transient = True

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.topic = topic

    def __str__(self) -> str:
        return f"topic {self.topic} is held by an exclusive producer; end that producer, or use another `topic`"


class ConnectionLost(PulsarError):
    """An open connection ended."""

    transient = True

    def __init__(self, url: str, reason: str, remedy: str = "'pulsar-cam doctor' says what is wrong") -> None:
        super().__init__(url, reason, remedy)
        self.url, self.reason, self.remedy = url, reason, remedy

    def __str__(self) -> str:
        return f"the connection to {self.url} was lost ({self.reason}); {self.remedy}"


_ASK_LOG = "look at the node's log"
_BUSY = f"it may be starting or overloaded: try again, or {_ASK_LOG}"


class RequestRejected(PulsarError):
    """Any other refusal by Pulsar, in its own words.

    Where those do not say whether time can help, the status does: a server that is starting or overloaded answers 5xx
    or 429, and may accept the same later.
    """

    def __init__(
        self, action: str, status: int, reason: str, remedy: str = "", transient: bool | None = None
    ) -> None:
        super().__init__(action, status, reason, remedy, transient)
        self.action, self.status, self.reason, self.remedy = action, status, reason, remedy
        self.transient = status >= 500 or status == 429 if transient is None else transient

    def __str__(self) -> str:
        remedy = self.remedy or (_BUSY if self.transient else _ASK_LOG)
        return f"Pulsar refused to {self.action}: {self.reason} (HTTP {self.status}); {remedy}"


class MessageRejected(PulsarError):
    """A frame that may not be left out, and that Pulsar will never take."""

    def __init__(self, topic: str, sequence: int | None, reason: str, remedy: str) -> None:
        super().__init__(topic, sequence, reason, remedy)
        self.topic, self.sequence, self.reason, self.remedy = topic, sequence, reason, remedy

    def __str__(self) -> str:
        return f"frame {self.sequence} cannot be published to {self.topic}: {self.reason}; {self.remedy}"


class BadMessage(PulsarError):
    """JSON from the other side that is not what Pulsar sends."""

    def __init__(self, problem: str, remedy: str = "check that `service_url` is a Pulsar node's") -> None:
        super().__init__(problem, remedy)
        self.problem, self.remedy = problem, remedy

    def __str__(self) -> str:
        return f"Pulsar sent something unreadable: {self.problem}; {self.remedy}"


class HookFailed(PulsarCamError):
    """A change of state could not be reported to a command or a webhook."""

    def __init__(self, hook: str, problem: str, remedy: str) -> None:
        super().__init__(hook, problem, remedy)
        self.hook, self.problem, self.remedy = hook, problem, remedy

    def __str__(self) -> str:
        return f"{self.hook} failed: {self.problem}; {self.remedy}"


class LocalNodeError(PulsarCamError):
    """The Pulsar node of this machine cannot be fetched, started or stopped."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem, self.remedy = problem, remedy

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}" if self.remedy else self.problem
