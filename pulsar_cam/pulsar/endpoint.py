"""Where a node is reached, and the URLs under which Pulsar serves its sessions.

Format: "Pulsar WebSocket API" in the Apache Pulsar 4.0 documentation.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import quote, urlencode, urlsplit

from ..errors import InvalidOption
from .access.credentials import Credentials
from .access.tls import is_loopback, is_secure, tls_context
from .topics import Topic, TopicPattern

DEFAULT_SERVICE_URL = "http://localhost:8080"

_HOST_NAME = re.compile(r"[-\w.]{1,253}", re.ASCII)
_ADDRESS = re.compile(r"[\d.]+|.*:.*", re.ASCII)


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
            credentials: such as ``Token("...")`` or ``TokenFile(Path("..."))``.
            tls: of `pulsar_cam.tls_context`; by default the one without arguments, which reads for 50 ms.
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

    def consumer_url(self, topics: Sequence[Topic], subscription: str, **parameters: str | int) -> str:
        """The URL of a consumer session of one topic, of several, or of a pattern of topics."""
        name = quote(subscription, safe="")
        if isinstance(topics[0], TopicPattern):
            return self._session_url("consumer", name, {"topicsPattern": str(topics[0]), **parameters}, "v3")
        if len(topics) > 1:
            return self._session_url("consumer", name, {"topics": ",".join(map(str, topics)), **parameters}, "v3")
        return self._session_url("consumer", f"{topics[0].path}/{name}", parameters)

    def reader_url(self, topic: Topic, **parameters: str | int) -> str:
        """The URL of a reader session."""
        return self._session_url("reader", topic.path, parameters)

    def _session_url(self, kind: str, path: str, parameters: dict[str, str | int], version: str = "v2") -> str:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return f"{self.ws_url}/ws/{version}/{kind}/{path}{query}"

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
    """Return whether the network libraries would take it; a ValueError for what only looks like an address."""
    if _ADDRESS.fullmatch(host):
        return bool(ip_address(host))
    host.encode("idna")  # an empty or too long part of a name is a UnicodeError
    return _HOST_NAME.fullmatch(host) is not None
