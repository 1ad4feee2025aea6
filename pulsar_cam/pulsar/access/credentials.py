"""Tokens: where they come from, and why a node may not take one. Shown to the node only, in one header.

Formats: "The OAuth 2.0 Authorization Framework: Bearer Token Usage" (RFC 6750), "JSON Web Token" (RFC 7519).
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import orjson

from ...errors import InvalidOption, NotAuthenticated, TokenUnavailable
from ...option_file import read_option_file
from ...text import shown_time

_HEADER, _SCHEME = "Authorization", "Bearer "
_CHARACTERS = re.compile(r"[\w.~+/=-]+", re.ASCII)
# Longer ones do not fit into the 8 kB that Jetty takes of headers.
_LONGEST = 8000
TIMEOUT_S = 15.0


class Credentials(Protocol):
    """Whatever gives a token.

    Attributes:
        is_renewable: whether a later token can be another one.
        renewal: how a person gets a new one, as the end of a sentence.
    """

    @property
    def is_renewable(self) -> bool: ...

    @property
    def renewal(self) -> str: ...

    def token(self) -> str:
        """Return the token to use now; blocks.

        Raises:
            TokenUnavailable: there is none now.
        """


@dataclass(frozen=True, slots=True)
class Token:
    """One token for as long as the program runs."""

    secret: str = field(repr=False)
    is_renewable = False
    renewal = "get a new one from the node's administrator"

    def token(self) -> str:
        """Return it."""
        return self.secret


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A file that holds a token, read again each time one is needed, so that it can be renewed during a run."""

    path: Path
    is_renewable = True

    @property
    def renewal(self) -> str:
        """Where a new token belongs."""
        return f"put a new one in {self.path}, which is read again at every try"

    def token(self) -> str:
        """Return what the file holds now."""
        try:
            return read_token(self.path)
        except InvalidOption as error:
            raise TokenUnavailable(str(error), "it is read again at every try") from error


def read_token(path: Path) -> str:
    """Return the token that a file holds, without the white space around it.

    Raises:
        InvalidOption: the file cannot be read, or holds no token; what it holds is not repeated.
    """
    try:
        text = read_option_file("token_file", path, _LONGEST + 100).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidOption("token_file", path, "holds no token: it is not a text file") from error
    return checked_token(text, "token_file", path)


def checked_token(text: str, parameter: str, shown: object = "(hidden)") -> str:
    """Return a token without the white space around it.

    Raises:
        InvalidOption: the text could not be in an HTTP header; it is not repeated.
    """
    token = text.strip()
    if not _CHARACTERS.fullmatch(token):
        raise InvalidOption(parameter, shown, "holds no token")
    if len(token) > _LONGEST:
        raise InvalidOption(parameter, shown, f"holds no token: it is longer than {_LONGEST} characters")
    return token


async def headers_of(credentials: Credentials | None) -> dict[str, str]:
    """Return the HTTP headers that carry the token to use now; none without credentials.

    Raises:
        TokenUnavailable: there is no token now.
    """
    if credentials is None:
        return {}
    try:
        async with asyncio.timeout(TIMEOUT_S):
            # In a thread: files can be on a network's disk, and token servers are far away.
            token = await asyncio.to_thread(credentials.token)
    except TimeoutError as error:
        raise TokenUnavailable(f"it did not come within {TIMEOUT_S:g} s", credentials.renewal) from error
    return {_HEADER: _SCHEME + token}


def refused(url: str, credentials: Credentials | None, headers: Mapping[str, str]) -> NotAuthenticated:
    """Return the error that says why a node did not take what these headers carried, as far as we can know.

    Pulsar answers alike to a token that is missing, wrong or expired.
    """
    if credentials is None:
        return NotAuthenticated(url)
    expires_at = expiry_of(headers.get(_HEADER, "").removeprefix(_SCHEME))
    problem = "the node does not accept the token, which may be damaged or for another node"
    if expires_at and expires_at < datetime.now(UTC):
        problem = f"the token expired at {shown_time(expires_at)}, by this machine's clock"
    return NotAuthenticated(url, problem, credentials.renewal, credentials.is_renewable)


def expiry_of(token: str) -> datetime | None:
    """Return until when a JSON Web Token is good; None for another kind of token, or one that has no such time.

    The signature is not looked at: that is the node's part.
    """
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (LookupError, TypeError, ValueError, OverflowError, OSError):
        return None
