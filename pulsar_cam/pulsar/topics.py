"""Topic names, and the URLs under which Pulsar serves them.

Formats: "Pulsar WebSocket API" and "Topic name" in the Apache Pulsar 4.0 documentation.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import quote, urlencode, urlsplit

from ..errors import InvalidOption
from .credentials import Credentials
from .tls import is_secure, tls_context

DEFAULT_TOPIC = "video-stream"
DEFAULT_SERVICE_URL = "http://localhost:8080"
MONITOR_NAME = "pulsar-cam-monitor-"
"""How the subscriptions of monitors begin: they look at a stream, and are not its audience."""

_DOMAINS = ("persistent", "non-persistent")
# Pulsar's own rule for tenants and namespaces (NamedEntity).
_NAMED_ENTITY = re.compile(r"[-=:.\w]+", re.ASCII)
# Pulsar takes more than this in topics, but answers 500 to a space and misreads a slash.
_UNUSABLE_IN_TOPIC = re.compile(r"[\s/\x00-\x1f\x7f]")
_TOPIC_FORM = "expected TOPIC, TENANT/NAMESPACE/TOPIC or persistent://TENANT/NAMESPACE/TOPIC"
# Percent-encoded, the longest name still fits a request line of 8 kB, Jetty's limit.
_LONGEST_NAME = 500
_HOST_NAME = re.compile(r"[-\w.]{1,253}", re.ASCII)
_ADDRESS = re.compile(r"[\d.]+|.*:.*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Topic:
    """A full topic name, ``domain://tenant/namespace/name``."""

    domain: str
    tenant: str
    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Topic:
        """Read a topic name; short ones are completed to ``persistent://public/default/...``.

        Raises:
            InvalidOption: Pulsar could not take this name.
        """
        domain, separator, path = text.partition("://")
        if not separator:
            domain, path = "persistent", text if "/" in text else f"public/default/{text}"
        parts = path.split("/")
        if domain not in _DOMAINS or len(parts) != 3:
            raise InvalidOption("topic", ascii(text), _TOPIC_FORM)
        if len(text) > _LONGEST_NAME:
            raise InvalidOption("topic", ascii(text), f"a name has at most {_LONGEST_NAME} characters")
        if {".", ".."} & set(parts):
            raise InvalidOption("topic", ascii(text), "'.' and '..' are no names, because URLs take them as folders")
        topic = cls(domain, *parts)
        topic._check(text)
        return topic

    def _check(self, text: str) -> None:
        for kind, value in (("tenant", self.tenant), ("namespace", self.namespace)):
            if not _NAMED_ENTITY.fullmatch(value):
                raise InvalidOption("topic", ascii(text), f"a {kind} is made of letters, digits and any of -_=:.")
        if not self.name or _UNUSABLE_IN_TOPIC.search(self.name) or not self.name.isprintable():
            raise InvalidOption("topic", ascii(text), "a topic's name has no spaces, slashes or control characters")

    def __str__(self) -> str:
        return f"{self.domain}://{self.tenant}/{self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        """The name as a part of a URL, percent-encoded."""
        return f"{self.domain}/{self.tenant}/{self.namespace}/{quote(self.name, safe='')}"

    @property
    def is_persistent(self) -> bool:
        """Whether the node keeps what is published."""
        return self.domain == "persistent"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a node, cluster or WebSocket proxy is reached.

    Attributes:
        ws_url: base of the WebSocket API, such as ``ws://localhost:8080``.
        admin_url: base of the admin REST API, such as ``http://localhost:8080``.
        credentials: give the token; None to come without one.
        tls: what secure connections use; None where both URLs are plain.
    """

    ws_url: str
    admin_url: str
    credentials: Credentials | None = None
    tls: ssl.SSLContext | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        service_url: str = DEFAULT_SERVICE_URL,
        *,
        ws_url: str | None = None,
        admin_url: str | None = None,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
        allow_plain_text_token: bool = False,
    ) -> Endpoint:
        """Derive both URLs from the service URL, where they are not given.

        Args:
            credentials: such as ``Token("...")`` or ``TokenFile(Path("..."))`` of `pulsar_cam.pulsar.credentials`.
            tls: of `pulsar_cam.pulsar.tls.tls_context`; by default the one without arguments, which reads for 50 ms.
            allow_plain_text_token: whether a token may cross a network unencrypted.

        Raises:
            InvalidOption: a URL that is none, or that carries a path, a query or a user, or to which a token would go
                in plain text.
        """
        service = _base_url("service_url", service_url, ("http", "https"))
        ws = _base_url("ws_url", ws_url, ("ws", "wss")) if ws_url else re.sub("^http", "ws", service)
        admin = _base_url("admin_url", admin_url, ("http", "https")) if admin_url else service
        if credentials and not allow_plain_text_token:
            _refuse_plain_text("ws_url" if ws_url else "service_url", ws)
            _refuse_plain_text("admin_url" if admin_url else "service_url", admin)
        return cls(ws, admin, credentials, tls or (tls_context() if is_secure(ws) or is_secure(admin) else None))

    @property
    def has_separate_proxy(self) -> bool:
        """Whether sessions go to a WebSocket proxy: its settings are its own, and no admin API returns them."""
        return urlsplit(self.ws_url).netloc != urlsplit(self.admin_url).netloc

    def producer_url(self, topic: Topic, **parameters: str | int) -> str:
        """The URL of a producer session."""
        return self._session_url("producer", topic.path, parameters)

    def consumer_url(self, topic: Topic, subscription: str, **parameters: str | int) -> str:
        """The URL of a consumer session."""
        return self._session_url("consumer", f"{topic.path}/{quote(subscription, safe='')}", parameters)

    def _session_url(self, kind: str, path: str, parameters: dict[str, str | int]) -> str:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return f"{self.ws_url}/ws/v2/{kind}/{path}{query}"

    def __repr__(self) -> str:
        token = "given" if self.credentials else "none"
        return f"Endpoint(ws_url={self.ws_url!r}, admin_url={self.admin_url!r}, token={token})"


def _base_url(parameter: str, url: str, schemes: tuple[str, ...]) -> str:
    expected = f"expected {schemes[0]}://HOST:PORT or {schemes[1]}://HOST:PORT"
    if "@" in url:
        raise InvalidOption(parameter, "(hidden)", f"no user or password in a URL: {expected}, and a token if needed")
    try:
        parts = urlsplit(url)
        port, host_is_usable = parts.port, _is_host(parts.hostname or "")
    except ValueError:  # UnicodeError is one
        raise InvalidOption(parameter, ascii(url), expected) from None
    if parts.query or parts.fragment:
        raise InvalidOption(parameter, "(hidden)", f"{expected}, and a token in its file, where it is not logged")
    extras = parts.path.strip("/")
    if parts.scheme not in schemes or not host_is_usable or port == 0 or extras or not url.isprintable():
        raise InvalidOption(parameter, ascii(url), expected)
    return f"{parts.scheme}://{parts.netloc}"


def _refuse_plain_text(parameter: str, url: str) -> None:
    if not is_secure(url) and not is_loopback(url):
        raise InvalidOption(
            parameter,
            url,
            "anyone on the way could read the token; use https:// and wss://, or, where that is safe, "
            "`allow_plain_text_token`",
        )


def _is_host(host: str) -> bool:
    """Tell whether the network libraries would take it; what looks like an address and is none is a ValueError."""
    if _ADDRESS.fullmatch(host):
        return bool(ip_address(host))
    host.encode("idna")  # an empty or too long part of a name is a UnicodeError
    return _HOST_NAME.fullmatch(host) is not None


def is_loopback(url: str) -> bool:
    """Tell whether a URL's host is this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_subscription(name: str) -> str:
    """Return the subscription name, or say why it cannot be one.

    Raises:
        InvalidOption: empty, too long, or with control characters.
    """
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise InvalidOption("subscription", ascii(name), "expected 1 to 200 printable characters")
    return name
