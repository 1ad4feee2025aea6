"""Properties of messages that are not this project's, from strangers too: bounded in number and length."""

from __future__ import annotations

from collections.abc import Container, Mapping

import orjson

from ...errors import InvalidOption

MOST_EXTRA, MOST_EXTRA_BYTES = 32, 4096
"""How many properties that are not ours a packet may have, and how long they may be together, as JSON."""


def extra_bytes(extra: Mapping[str, str]) -> int:
    """Return by how much the properties of a packet that are not ours make its message longer."""
    return sum(len(orjson.dumps(name)) + len(orjson.dumps(text)) + 2 for name, text in extra.items())


def check_extra(extra: Mapping[str, str]) -> None:
    """Find out whether a packet with these properties of its own can be published.

    Raises:
        InvalidOption: too many, too long, or not text.
    """
    try:
        fits = len(extra) <= MOST_EXTRA and extra_bytes(extra) <= MOST_EXTRA_BYTES
        is_text = all(isinstance(part, str) for part in (*extra, *extra.values()))
    except TypeError:
        fits, is_text = True, False
    if not is_text:
        raise InvalidOption("extra", f"of {len(extra)} properties", "names and values have to be text")
    if not fits:
        raise InvalidOption(
            "extra", f"of {len(extra)} properties", f"at most {MOST_EXTRA}, of {MOST_EXTRA_BYTES} bytes together"
        )


def extra_in(properties: Mapping[str, str], ours: Container[str]) -> dict[str, str]:
    """Return the properties that are not ours, up to the first that makes them too many or too long."""
    extra: dict[str, str] = {}
    room = MOST_EXTRA_BYTES
    for name, text in properties.items():
        if name in ours:
            continue
        room -= extra_bytes({name: text})
        if room < 0 or len(extra) == MOST_EXTRA:
            break
        extra[name] = text
    return extra
