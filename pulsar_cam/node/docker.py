"""The same node as a container, for those who have Docker.

The image puts environment variables that begin with PULSAR_PREFIX_ into its configuration by a script of its own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from ..errors import DependencyMissing, LocalNodeError
from .settings import MEMORY, SETTINGS

VERSION = "4.0.8"
_RUN_IN_CONTAINER = (
    "bin/apply-config-from-env.py conf/standalone.conf && "
    "exec bin/pulsar standalone --no-functions-worker --no-stream-storage"
)
_PULL_TIMEOUT_S = 1800
_TIMEOUT_S = 60


def start(container: str, http_port: int, broker_port: int) -> None:
    """Run the official image, published on this machine only, with its data in a volume of the container's name.

    Raises:
        DependencyMissing: there is no docker command, or no engine that answers it.
        LocalNodeError: Docker refuses.
    """
    try:
        _docker("info")
    except LocalNodeError as error:
        raise DependencyMissing(
            "the Docker engine does not answer", "Start it, or leave out `in_docker`: it is not needed"
        ) from error
    # Brokers send clients to their own port: inside and outside must be the same.
    settings = SETTINGS | {
        "advertisedAddress": "127.0.0.1",
        "webServicePort": str(http_port),
        "brokerServicePort": str(broker_port),
    }
    variables = [f"--env=PULSAR_PREFIX_{key}={value}" for key, value in settings.items()]
    published = [f"--publish=127.0.0.1:{port}:{port}" for port in (http_port, broker_port)]
    _docker(
        *("run", "--detach", "--rm", f"--name={container}", f"--volume={container}:/pulsar/data"),
        *published,
        *variables,
        f"--env=PULSAR_GC={MEMORY[0]}",
        f"--env=PULSAR_MEM={' '.join(MEMORY[1:])}",
        f"apachepulsar/pulsar:{VERSION}",
        *("bash", "-c", _RUN_IN_CONTAINER),
        timeout_s=_PULL_TIMEOUT_S,
    )


def is_running(container: str) -> bool:
    """Return whether the container runs."""
    try:
        return _docker("inspect", "--format={{.State.Running}}", container).strip() == "true"
    except (LocalNodeError, DependencyMissing):
        return False


def stop(container: str) -> None:
    """Stop the container; its volume stays."""
    _docker("stop", "--time=15", container)


def log_lines(container: str, count: int, follow: bool) -> Iterator[str]:
    """Yield the last lines that the node in the container wrote, and the new ones."""
    command = ["docker", "logs", f"--tail={count}", *(["--follow"] if follow else []), container]
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as docker:
        assert docker.stdout
        for line in docker.stdout:
            yield line.rstrip("\n")


def _docker(*arguments: str, timeout_s: float = _TIMEOUT_S) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            ["docker", *arguments],  # noqa: S607 - the user's own
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=True,
        )
    except FileNotFoundError as error:
        raise DependencyMissing("docker is not installed", "Leave out `in_docker`: it is not needed") from error
    except subprocess.TimeoutExpired as error:
        raise LocalNodeError(f"docker {arguments[0]} gives no answer", "is its engine busy?") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no reason given"]
        raise LocalNodeError(f"docker {arguments[0]} failed: {lines[-1][:300]}") from error
    return done.stdout
