"""A URL to which a change of state is posted. Such URLs hold secrets: no log, error or representation repeats one."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from ...errors import HookFailed, InvalidOption
from ...option_file import read_option_file
from ...pulsar.access.tls import is_loopback

_URL, _PATH = "url", "path"
_LONGEST = 8000
_TIMEOUT_S = 5.0
PAUSES_S = (1.0, 2.0)
_BUSY = (429, 502, 503, 504)


class Webhook:
    """Posts a change as JSON.

    Args:
        url: ``https://``, or ``http://`` on this machine.
        parameter: where it comes from, for errors.

    Raises:
        InvalidOption: another kind of URL; it is not repeated.
    """

    name = "the webhook"

    def __init__(self, url: str, parameter: str = _URL) -> None:
        self._url = _checked(url.strip(), parameter)
        logging.getLogger("httpx").addFilter(self._has_no_secret)

    def __repr__(self) -> str:
        return "Webhook((hidden))"

    @classmethod
    def of_file(cls, path: Path) -> Webhook:
        """Return the webhook whose URL a file holds.

        Raises:
            InvalidOption: the file cannot be read, or holds no usable URL.
        """
        text = read_option_file(_PATH, path, _LONGEST + 100).decode("utf-8-sig", errors="replace")
        return cls(text, _PATH)

    async def deliver(self, change: dict[str, Any]) -> None:
        """Post the change; again, twice, where nothing listens or a server says that it is busy.

        Redirections are not followed, and what the answer says is not read.

        Raises:
            HookFailed: no answer, or one that is not a success.
        """
        # A proxy of the environment would be asked to call its own machine.
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=not is_loopback(self._url)) as client:
            for pause_s in (*PAUSES_S, None):
                problem, may_pass = await self._post(client, change)
                if not problem:
                    return
                if not may_pass or pause_s is None:
                    raise HookFailed(self.name, problem, "check its URL, and what its server says")
                await asyncio.sleep(pause_s)

    async def _post(self, client: httpx.AsyncClient, change: dict[str, Any]) -> tuple[str, bool]:
        """Return what went wrong, empty if nothing did, and whether it may pass."""
        try:
            async with client.stream("POST", self._url, json=change) as response:
                status = response.status_code
        except httpx.HTTPError as error:  # its text can hold the URL
            return f"it cannot be reached ({type(error).__name__})", isinstance(error, httpx.ConnectError)
        return "" if 200 <= status < 300 else f"it answers with HTTP {status}", status in _BUSY

    def _has_no_secret(self, record: logging.LogRecord) -> bool:
        """Keep the line that httpx logs for each request out of the log."""
        return self._url not in record.getMessage()


def _checked(url: str, parameter: str) -> str:
    expected = "expected https://HOST/PATH, or http:// for this machine only: others on the way could read it"
    try:
        parts, parsed = urlsplit(url), httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise InvalidOption(parameter, "(hidden)", expected) from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))
    if not is_safe or not parsed.host or len(url) > _LONGEST:
        raise InvalidOption(parameter, "(hidden)", expected)
    return url
