"""Text from strangers, made safe to show."""

from __future__ import annotations


def printable(text: str, most: int = 120) -> str:
    """Return one line without control, escape or invisible characters, of at most so many characters."""
    safe = "".join(character if character.isprintable() else "\ufffd" for character in text[:most])
    return safe + "..." if len(text) > most else safe
