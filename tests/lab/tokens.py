"""JSON Web Tokens as Pulsar takes them (RFC 7519, signed with HMAC-SHA256), good for as long as a test wants."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time

KEY = secrets.token_bytes(32)


def token(role: str, life_s: float | None = 3600.0, key: bytes = KEY) -> str:
    """Return a token for a role; an expired one where its life is negative, and one without end where it is None."""
    claims: dict[str, object] = {"sub": role}
    if life_s is not None:
        claims["exp"] = int(time.time() + life_s)
    text = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{text}.{_base64(hmac.digest(key, text.encode(), hashlib.sha256))}"


def _part(value: dict[str, object]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
