"""Tokens from an OAuth 2.0 server, which a program gets for its own name and secret.

Formats: "Client Credentials Grant" (RFC 6749, section 4.4), the server's description at
``/.well-known/openid-configuration`` (OpenID Connect Discovery 1.0), and the credentials file of Pulsar's
own clients.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import orjson

from ...errors import InvalidOption, TokenUnavailable
from ...option_file import read_option_file
from ...text import printable
from ..access.tls import is_loopback
from .credentials import checked_token
from .tls import is_secure, tls_error_in, tls_failure

_PARAMETER = "oauth2_file"
TIMEOUT_S = 5.0
_LONGEST = 100_000
_DISCOVERY = "/.well-known/openid-configuration"
# A token is not used in its last moments, in which it could expire on its way.
_SPARE_S = 30.0
_USUAL_LIFE_S = 300.0  # where the server does not say


class OAuth2:
    """Credentials that fetch a token from a server, and another one shortly before it expires.

    Args:
        file: JSON with ``client_id``, ``client_secret`` and ``issuer_url``, as Pulsar's clients have it.
        audience: what the token is for, where the server wants to know.

    Raises:
        InvalidOption: the file cannot be used; what it holds is not repeated.
    """

    is_renewable = True

    def __init__(self, file: Path, audience: str | None = None) -> None:
        self._issuer, self._id, self._secret = _credentials_in(file)
        self._audience = audience
        self._token, self._good_until_s = "", 0.0
        self._only_one = threading.Lock()  # two sessions that open at once need one token

    @property
    def renewal(self) -> str:
        """Where a new token comes from."""
        return f"check `audience`, and that the node trusts the tokens of {self._issuer}"

    def token(self) -> str:
        """Return a token that is good for some moments more; may take 10 s.

        Raises:
            TokenUnavailable: the server cannot be reached, or refuses.
        """
        with self._only_one:
            if time.monotonic() > self._good_until_s:
                self._fetch()
            return self._token

    def _fetch(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": self._id, "client_secret": self._secret}
        if self._audience:
            form["audience"] = self._audience
        try:
            # Redirections are not followed: the secret would go along.
            with httpx.Client(timeout=TIMEOUT_S, trust_env=not is_loopback(self._issuer)) as client:
                description = self._answer(client, "GET", self._issuer + _DISCOVERY)
                self._keep(self._answer(client, "POST", self._checked_url(description.get("token_endpoint")), form))
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError) as error:
            raise self._unavailable(_reason_of(error, self._issuer)) from error

    def _keep(self, answer: dict[str, Any]) -> None:
        token, life_s = answer.get("access_token"), answer.get("expires_in")
        try:
            self._token = checked_token(token if isinstance(token, str) else "", _PARAMETER)
        except InvalidOption as error:
            raise self._unavailable("its answer has no token") from error
        if not isinstance(life_s, int | float):
            life_s = _USUAL_LIFE_S
        self._good_until_s = time.monotonic() + life_s - min(_SPARE_S, life_s / 2)

    def _answer(
        self, client: httpx.Client, method: str, url: str, form: dict[str, str] | None = None
    ) -> dict[str, Any]:
        deadline_s = time.monotonic() + TIMEOUT_S
        with client.stream(method, url, data=form) as answer:
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > _LONGEST or time.monotonic() > deadline_s:
                    raise self._unavailable("its answer is endless")
        try:
            value = orjson.loads(body)
        except ValueError:
            value = None
        told = value if isinstance(value, dict) else {}
        if answer.status_code != 200 or not told:
            reason = str(told.get("error_description") or told.get("error") or "it does not answer as one")
            hidden = reason.replace(self._secret, "(secret)")
            raise self._unavailable(f"HTTP {answer.status_code}: {printable(hidden)}")
        return told

    def _checked_url(self, url: object) -> str:
        if not isinstance(url, str) or not _is_safe(url):
            raise self._unavailable("it names no token endpoint with https://")
        return url

    def _unavailable(self, problem: str) -> TokenUnavailable:
        remedy = "check issuer_url, client_id and client_secret in `oauth2_file`, and `audience`"
        return TokenUnavailable(f"{self._issuer} gives none ({problem})", remedy)


def _credentials_in(file: Path) -> tuple[str, str, str]:
    text = read_option_file(_PARAMETER, file, _LONGEST)
    try:
        values = orjson.loads(text)
        issuer, identity, secret = (values[name] for name in ("issuer_url", "client_id", "client_secret"))
    except (ValueError, LookupError, TypeError):
        raise InvalidOption(_PARAMETER, file, "expected JSON with client_id, client_secret and issuer_url") from None
    if not all(isinstance(value, str) and value.isprintable() for value in (issuer, identity, secret)):
        raise InvalidOption(_PARAMETER, file, "client_id, client_secret and issuer_url are texts")
    if not _is_safe(issuer):
        raise InvalidOption(_PARAMETER, file, "issuer_url has to begin with https://, because the secret goes there")
    return issuer.rstrip("/"), identity, secret


def _is_safe(url: str) -> bool:
    try:
        return url.isprintable() and "@" not in url and (is_secure(url) or is_loopback(url))
    except ValueError:
        return False


def _reason_of(error: Exception, url: str) -> str:
    if hidden := tls_error_in(error):
        return tls_failure(url, hidden).problem
    return printable(str(error)) or "no answer in time"
