"""Maven artifacts over HTTP, by jgo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import DependencyMissing

Progress = Callable[[int, int], None]
"""Called with the bytes that have arrived, and those there will be."""

_READ_TIMEOUT_S = 60


class DownloadFailed(Exception):
    """What should have arrived did not; another attempt may do better."""


def fetch(version: str, folder: Path, progress: Progress) -> Path:
    """Download the tarball of Pulsar's server distribution into a folder made for it, and return its path.

    The folder must be new: jgo takes any file that is already there for the complete one.

    Raises:
        DownloadFailed: no network, or the connection broke.
    """
    try:
        from jgo.maven import MavenContext, PythonResolver
        from requests import RequestException
    except ImportError as error:
        raise DependencyMissing(
            "Pulsar is not downloaded yet, and jgo is not installed", "pip install 'pulsar-cam[node]'"
        ) from error

    resolver = PythonResolver(progress_callback=lambda _name, total: _report(progress, total))
    maven = MavenContext(resolver=resolver, repo_cache=folder, timeout=_READ_TIMEOUT_S)
    component = maven.project("org.apache.pulsar", "pulsar-server-distribution").at_version(version)
    try:
        return Path(component.artifact("bin", "tar.gz").resolve())
    except RequestException as error:
        raise DownloadFailed(_reason(error)) from error
    except RuntimeError as error:
        raise DownloadFailed("the Maven repository does not have it") from error


@contextmanager
def _report(progress: Progress, total: int) -> Iterator[Callable[[int], None]]:
    arrived = 0

    def update(count: int) -> None:
        nonlocal arrived
        arrived += count
        progress(arrived, total)

    yield update


def _reason(error: Exception) -> str:
    from requests import exceptions

    # Subclasses first; requests' own texts are long, and full of addresses.
    for kind, reason in (
        (exceptions.ProxyError, "the proxy cannot be used"),
        (exceptions.SSLError, "the server's certificate is not trusted"),
        (exceptions.Timeout, f"no answer within {_READ_TIMEOUT_S} s"),
        (exceptions.ChunkedEncodingError, "the connection broke"),
        (exceptions.ConnectionError, "no connection to the Maven repository"),
    ):
        if isinstance(error, kind):
            return reason
    return type(error).__name__
