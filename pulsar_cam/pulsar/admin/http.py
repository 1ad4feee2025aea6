"""The transport of the admin REST API: one bounded request after another, and refusals and failures as our errors."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from typing import Any

import httpx

from ...errors import (
    PROXY_UNUSABLE,
    NamespaceNotFound,
    NodeUnreachable,
    NotAuthenticated,
    NotAuthorized,
    PulsarError,
    RequestRejected,
    TopicNotFound,
)
from ...text import LONGEST_JSON, load_json, printable, reason_of
from ..access.credentials import Credentials, headers_of, refused
from ..access.tls import is_loopback, no_http, tls_error_in, tls_failure
from ..causes import cause_of
from ..endpoint import Endpoint
from ..refusal import NO_NODE, STRANGERS, stranger
from ..topics import Topic


class Http:
    """A client of one node's admin API. Every call ends within `timeout_s`.

    Attributes:
        url: base of the admin API.
    """

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        self.url = endpoint.admin_url
        self._endpoint, self._timeout_s = endpoint, timeout_s

    async def open(self) -> None:
        """Make the client.

        Raises:
            NodeUnreachable: the proxy named in the environment cannot be used.
        """
        # In a thread: the first one loads the rest of httpx, 30 ms in which no frame would come or go.
        self._client = await asyncio.to_thread(self._make_client)

    def _make_client(self) -> httpx.AsyncClient:
        try:
            return httpx.AsyncClient(
                base_url=f"{self.url}/admin/v2",
                auth=_FreshToken(self._endpoint.credentials),
                verify=self._endpoint.tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # which trusts no one
                timeout=self._timeout_s,
                trust_env=not is_loopback(self.url),
            )
        except (ImportError, ValueError) as error:  # ImportError: SOCKS needs a package of its own
            raise NodeUnreachable(self.url, *PROXY_UNUSABLE) from error

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def call(
        self, method: str, path: str, action: str, *, topic: Topic | None = None, body: Any = None
    ) -> httpx.Response:
        """Return the answer of a node that does what it is asked; `action` is that, in words.

        Raises:
            PulsarError: it does not, or cannot be reached.
        """
        answer = await self.send(method, path, body)
        # Pulsar has nothing to say about a change; other servers answer anything with a page.
        if answer.status_code == 204 or (method == "GET" and answer.is_success):
            return answer
        rejection = _rejection(answer, action, self.url, topic)
        if isinstance(rejection, NotAuthenticated):
            raise refused(self.url, self._endpoint.credentials, answer.request.headers)
        raise rejection

    async def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Return any answer, a refusal too.

        Raises:
            PulsarError: NodeUnreachable or TokenUnavailable.
        """
        try:
            async with asyncio.timeout(self._timeout_s):  # httpx itself bounds each read, and not all of them
                return await self._exchange(method, path, body)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise NodeUnreachable(self.url, "no answer in time") from error
        except (httpx.HTTPError, ssl.SSLError) as error:
            if hidden := tls_error_in(error):
                raise tls_failure(self.url, hidden) from error
            if isinstance(error, (httpx.ReadError, httpx.RemoteProtocolError)):
                raise no_http(self.url, "what answers there speaks no HTTP") from error
            raise NodeUnreachable(self.url, _reason_of(error)) from error

    async def _exchange(self, method: str, path: str, body: Any) -> httpx.Response:
        """Return the answer to a request, as it came: what is compressed can become gigabytes."""
        plain = {"Accept-Encoding": "identity"}
        content = bytearray()
        async with self._client.stream(method, path, json=body, headers=plain) as answer:
            async for piece in answer.aiter_raw():
                content += piece
                if len(content) > LONGEST_JSON:
                    raise NodeUnreachable(self.url, "its answer is far too long for Pulsar's", NO_NODE)
        return httpx.Response(
            answer.status_code, content=bytes(content), request=answer.request, extensions=answer.extensions
        )


class _FreshToken(httpx.Auth):
    """Sends with every request the token that is to be used then: a client can live longer than a token."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers.update(await headers_of(self._credentials))
        yield request


def _rejection(answer: httpx.Response, action: str, url: str, topic: Topic | None) -> PulsarError:
    reason = _pulsar_reason(answer)
    if answer.status_code < 400 or (answer.status_code in STRANGERS and reason is None):
        return stranger(url, "admin API", answer.status_code)
    if answer.status_code == 401:
        # Pulsar answers 401 as a page to strangers, and as JSON to those it knows but does not let in.
        return NotAuthorized(action) if reason else NotAuthenticated(url)
    if answer.status_code == 403:
        return NotAuthorized(action)
    if answer.status_code == 404 and topic:
        missing_namespace = "amespace" in (reason or "")
        namespace = f"{topic.tenant}/{topic.namespace}"
        return NamespaceNotFound(namespace) if missing_namespace else TopicNotFound(str(topic))
    known = cause_of(answer.status_code, reason or "", action, topic)
    return known or RequestRejected(action, answer.status_code, reason or "no reason given")


def _pulsar_reason(answer: httpx.Response) -> str | None:
    """Return the reason in Pulsar's JSON error; None when the answer is not in Pulsar's form."""
    try:
        reason = load_json(answer.content)["reason"]
    except (ValueError, KeyError, TypeError):
        return None
    return reason_of(reason) if isinstance(reason, str) else None


def _reason_of(error: Exception) -> str:
    text = str(error)
    if "All connection attempts failed" in text:
        return "connection refused"
    return printable(text, 200) or type(error).__name__


def json_object(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object in an answer; an empty one, if it is another value.

    Raises:
        NodeUnreachable: no JSON.
    """
    value = json_value(answer)
    return value if isinstance(value, dict) else {}


def json_value(answer: httpx.Response) -> Any:
    """Return the JSON value in an answer.

    Raises:
        NodeUnreachable: no JSON.
    """
    try:
        return load_json(answer.content)
    except ValueError as error:
        raise NodeUnreachable(str(answer.url), "it does not answer in Pulsar's JSON", NO_NODE) from error
