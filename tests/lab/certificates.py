"""Certificates for tests: a CA of this run, and what it signs."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class Authority:
    """A CA whose files are in a folder.

    Attributes:
        file: its own certificate.
    """

    def __init__(self, folder: Path) -> None:
        self._ca, self._folder, self._numbers = trustme.CA(), folder, itertools.count()
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def sign(
        self, *names: str, role: str | None = None, ends_in_days: float = 30, pass_phrase: str = ""
    ) -> tuple[Path, Path]:
        """Return the files of a certificate and of its key (PKCS#8)."""
        ends_at = datetime.now(UTC) + timedelta(days=ends_in_days)
        made = self._ca.issue_cert(
            *names, common_name=role, not_before=ends_at - timedelta(days=60), not_after=ends_at
        )
        stem = f"{names[0]}-{next(self._numbers)}"
        cert, key = self._folder / f"{stem}.pem", self._folder / f"{stem}-key.pem"
        cert.write_bytes(b"".join(each.bytes() for each in made.cert_chain_pems))
        lock = BestAvailableEncryption(pass_phrase.encode()) if pass_phrase else NoEncryption()
        plain = load_pem_private_key(made.private_key_pem.bytes(), None)
        key.write_bytes(plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
        return cert, key
