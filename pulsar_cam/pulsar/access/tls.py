"""TLS: which certificates are trusted, which one is ours, and what went wrong in words for a person.

Reasons and numbers of failures: those of OpenSSL 3 (``include/openssl/x509_vfy.h.in`` and ``sslerr.h`` there).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ...errors import InvalidOption, NodeUnreachable, TlsFailed
from ...option_file import read_option_file
from ...text import printable

_SELF_SIGNED_OR_UNKNOWN = (2, 18, 19, 20, 21)
_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_NAME, _OTHER_ADDRESS = 62, 64
_PLAIN_TEXT = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
_ALERT = "_ALERT_"
_WANTS_CERTIFICATE = ("CERTIFICATE_REQUIRED",)
_REFUSES_CERTIFICATE = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_", "UNSUPPORTED_CERTIFICATE", "ACCESS_DENIED")


def tls_context(
    ca_file: Path | None = None,
    client_cert: Path | None = None,
    client_key: Path | None = None,
    ask_pass_phrase: Callable[[], str] | None = None,
) -> ssl.SSLContext:
    """Return what every secure connection uses; takes 50 ms, in which the system's certificates are read.

    Certificates and host names are always verified.

    Args:
        ca_file: certificates, as PEM, of those who may vouch for the node; by default the system's.
        client_cert: our certificate, as PEM, and after it those that lead to its CA.
        client_key: its key, as PEM, if it is not in the same file.
        ask_pass_phrase: called when the key is encrypted.

    Raises:
        InvalidOption: a file that cannot be used.
    """
    if client_key and not client_cert:
        raise InvalidOption("client_key", client_key, "give the certificate that it belongs to with `client_cert`")
    context = _trusting(ca_file)
    if client_cert:
        read_option_file("client_cert", client_cert, 1)
        read_option_file("client_key", client_key or client_cert, 1)
        _show_certificate(context, client_cert, client_key, ask_pass_phrase)
    return context


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    if ca_file is None:
        return ssl.create_default_context()
    read_option_file("ca_file", ca_file, 1)  # OpenSSL does not say what is wrong
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidOption("ca_file", ca_file, "holds no certificate in PEM form") from error


def _show_certificate(
    context: ssl.SSLContext, cert: Path, key: Path | None, ask_pass_phrase: Callable[[], str] | None
) -> None:
    asked = False

    def pass_phrase() -> str:
        nonlocal asked
        asked = True
        # Without this, OpenSSL itself would ask the terminal.
        return ask_pass_phrase() if ask_pass_phrase else ""

    try:
        context.load_cert_chain(cert, key, pass_phrase)
    except (ssl.SSLError, ValueError) as error:  # ValueError: a pass phrase that is too long
        if asked:
            raise InvalidOption("client_key", key or cert, "is encrypted, and the pass phrase is wrong") from error
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            raise InvalidOption("client_key", key or cert, f"does not belong to the certificate {cert}") from error
        raise InvalidOption("client_cert", cert, _no_certificate(key)) from error


def _no_certificate(key: Path | None) -> str:
    if key:
        return f"it holds no certificate in PEM form, or {key} no key"
    return "it holds no certificate with its key in PEM form; give a key in another file with `client_key`"


def is_secure(url: str) -> bool:
    """Return whether a URL's connections are encrypted."""
    return url.startswith(("https://", "wss://"))


def no_http(url: str, problem: str) -> NodeUnreachable:
    """Return the failure of a connection that opened, and on which no HTTP came."""
    if is_secure(url):  # a server with TLS 1.3 judges our certificate after the handshake, and its alert can get lost
        remedy = "it may want a certificate of ours, or another one: `client_cert` and `client_key`"
        return TlsFailed(url, "it ended the connection right after the handshake", remedy)
    return NodeUnreachable(
        url, f"{problem}, as when a node is killed", "if this port has TLS, use https:// or wss://"
    )


def tls_error_in(error: BaseException | None) -> ssl.SSLError | None:
    """Return the TLS error behind another one, if there is one."""
    while error:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def tls_failure(url: str, error: ssl.SSLError) -> TlsFailed:
    """Return the failure of a secure connection in words: its cause and the next step."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TlsFailed(url, *_untrusted(error))
    return TlsFailed(url, *_failed(error.reason or ""))


def _untrusted(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    if error.verify_code in _SELF_SIGNED_OR_UNKNOWN:
        return "its certificate is not signed by a trusted CA", "give the certificate of its CA with `ca_file`"
    if error.verify_code == _EXPIRED:
        return "its certificate has expired", "have it renewed; if it is not old, correct this machine's clock"
    if error.verify_code == _NOT_YET_VALID:
        return "its certificate is not valid yet", "correct this machine's clock, or wait"
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return "its certificate is for another name", "use the name that is in the certificate, or check the address"
    reason = printable(error.verify_message)
    return (
        f"its certificate is not accepted ({reason})",
        "give the right CA with `ca_file`, or have the certificate replaced",
    )


def _failed(reason: str) -> tuple[str, str]:
    if reason in _PLAIN_TEXT:
        return "it answers in plain text, without TLS", "use http:// or ws://, or the port on which it has TLS"
    alert = reason.partition(_ALERT)[2]
    if alert.startswith(_WANTS_CERTIFICATE):
        return "it wants a certificate of ours", "give one with `client_cert` and `client_key`"
    if alert.startswith(_REFUSES_CERTIFICATE):
        return "it does not accept our certificate", "give a valid one that its CA has signed with `client_cert`"
    if alert.startswith("HANDSHAKE_FAILURE"):
        return "the two sides do not agree", "it may want a certificate of ours: `client_cert` and `client_key`"
    if "PROTOCOL" in reason and not reason.startswith("UNEXPECTED"):
        return "it speaks no TLS that is still safe", "have TLS 1.2 or 1.3 enabled there"
    problem = printable(reason.lower().replace("_", " ")) or "no reason given"
    return f"the handshake failed ({problem})", "check that this port has TLS"


def is_loopback(url: str) -> bool:
    """Return whether a URL's host is this machine itself."""
    return is_loopback_host(urlsplit(url).hostname or "")


def is_loopback_host(host: str) -> bool:
    """Return whether a name or an address is this machine's own, which no other machine reaches."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
