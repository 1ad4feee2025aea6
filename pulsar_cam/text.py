"""Text and numbers from strangers, made safe to show and to use, and times as people read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson

_JAVA_CLASS_IN_FRONT = re.compile(r"^(?:[\w$]+\.)+[\w$]+: ")
_JAVA_CLASS = re.compile(
    r"\b(?:javax?|jakarta|sun|org\.apache|org\.eclipse|com\.google|com\.fasterxml|io\.netty)\.[\w.$]+(?:@\w+)?(?:: )?"
)
_JAVA_CAUSE = re.compile(r"\s*caused by\s+" + _JAVA_CLASS.pattern + ".*")
# Above a stack trace, Pulsar's admin API says "An unexpected error occurred in the server", and what.
_UNEXPECTED = re.compile(r"\s*--- An unexpected error .*?^Message: ([^\n]*)", re.DOTALL | re.MULTILINE)
_LONGEST_REASON = 300
_MOST_READ = 20_000
# A JSON Web Token (RFC 7519) starts with the base64 of '{"'. Servers and proxies may repeat the one they were sent.
_TOKEN = re.compile(r"eyJ[\w-]{8,}[\w.-]*", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)
LARGEST = 2**63 - 1
"""The largest number that Pulsar itself can hold."""
LONGEST_JSON = 8 * 1024 * 1024
# A topic with a thousand consumers has 50,000 in its statistics. Three bytes of JSON can become a hundred of memory.
_MOST_JSON_VALUES = 100_000


def printable(text: str, most: int = 120) -> str:
    """Return one line without control, escape or invisible characters, with dots for what is beyond ``most``.

    Tokens are left out.
    """
    text = _TOKEN.sub("(token)", text[:_MOST_READ])
    safe = "".join(character if character.isprintable() else "\ufffd" for character in text[:most])
    return safe + "..." if len(text) > most else safe


def reason_of(message: str) -> str:
    """Return the sentence in a message of Pulsar's: its first line, without Java's classes and stack traces."""
    message = message[:2000]
    unexpected = _UNEXPECTED.match(message)
    first_line = unexpected.group(1) if unexpected else message.strip().split("\n", 1)[0]
    first_line = _JAVA_CLASS_IN_FRONT.sub("", _JAVA_CAUSE.sub("", first_line))
    return printable(_JAVA_CLASS.sub("", first_line).strip(), _LONGEST_REASON)


def load_json(text: str | bytes) -> Any:
    """Return the value in a JSON text.

    Raises:
        ValueError: it is not JSON, or its length or number of values could fill the memory.
    """
    data = text.encode() if isinstance(text, str) else text
    if len(data) > LONGEST_JSON or sum(map(data.count, (b",", b"[", b"{"))) > _MOST_JSON_VALUES:
        raise ValueError("too much of it")
    return orjson.loads(data)


def whole(value: object, most: int = LARGEST, *, least: int = 0) -> int | None:
    """Return a whole number that a stranger gave, as a number or as decimal text; None if it is not one.

    Nor is it one outside of the bounds, both of which are allowed.
    """
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if least <= value <= most else None


def number(value: object, most: float) -> float | None:
    """Return a number from 0 to `most` that a stranger gave in JSON; None if it is not one, as text never is."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value <= most else None


def size_text(size_bytes: float) -> str:
    """Return a size, or a rate of bytes, to three digits, as ``120 kB`` or ``2.5 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 999.5:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} TB"


def utc_text(at_ns: int) -> str:
    """Return a Unix time in nanoseconds as ``2026-01-31T12:00:00.250Z``."""
    text = datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def shown_time(moment: datetime) -> str:
    """Return a moment as a person reads it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
