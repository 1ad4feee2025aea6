"""A real node that lets in only whom it knows: tokens and client certificates, authorization, and TLS."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pulsar_cam.errors import LocalNodeError, PulsarError
from pulsar_cam.node import LocalNode, NodeState, local, ports, settings
from pulsar_cam.pulsar.access.credentials import Credentials, Token
from pulsar_cam.pulsar.access.tls import tls_context
from pulsar_cam.pulsar.admin.admin import Admin
from pulsar_cam.pulsar.endpoint import Endpoint
from pulsar_cam.pulsar.sessions.consumer import Consumer
from pulsar_cam.pulsar.topics import Topic

from ..lab.certificates import Authority
from ..lab.tokens import KEY, token

ADMIN, CAMERA, VIEWER, STRANGER = "admin", "camera", "viewer", "stranger"
TOPIC = Topic.parse("secured")
_PLUGIN = "org.apache.pulsar.broker.authentication.AuthenticationProvider"


@dataclass(frozen=True)
class SecuredNode:
    """Where it runs, in plain text and with TLS, and whose certificates it has."""

    state: NodeState
    tls_port: int
    authority: Authority

    @property
    def https(self) -> str:
        return f"https://localhost:{self.tls_port}"

    def endpoint(self, credentials: Credentials | None, certificate: tuple[Path, Path] | None = None) -> Endpoint:
        cert, key = certificate or (None, None)
        return Endpoint.of(self.https, credentials=credentials, tls=tls_context(self.authority.file, cert, key))


@contextmanager
def secured_node(folder: Path) -> Iterator[SecuredNode]:
    authority = Authority(folder / "certificates")
    tls_port = next(ports.free_ports(range(28443, 28943)))
    guarded = LocalNode("secured", folder)
    try:
        with pytest.MonkeyPatch.context() as patch:  # until it runs: no other node may take its settings, or its port
            for name, value in _settings(folder, authority, tls_port).items():
                patch.setitem(settings.SETTINGS, name, value)
            patch.setattr(local, "wait_until_ready", _wait_until_ready)
            node = SecuredNode(guarded.start(0, 0), tls_port, authority)
        asyncio.run(_grant(node))
        yield node
    finally:
        guarded.stop()


def _settings(folder: Path, authority: Authority, tls_port: int) -> dict[str, str]:
    key = folder / "secret.key"
    key.write_bytes(KEY)
    cert, cert_key = authority.sign("localhost", "127.0.0.1")
    return {
        "authenticationEnabled": "true",
        "authenticationProviders": f"{_PLUGIN}Token,{_PLUGIN}Tls",
        "authorizationEnabled": "true",
        "superUserRoles": ADMIN,
        "tokenSecretKey": f"data:;base64,{base64.b64encode(KEY).decode()}",
        "brokerClientAuthenticationPlugin": "org.apache.pulsar.client.impl.auth.AuthenticationToken",
        "brokerClientAuthenticationParameters": f"token:{token(ADMIN, None)}",
        "webServicePortTls": str(tls_port),
        "tlsCertificateFilePath": str(cert),
        "tlsKeyFilePath": str(cert_key),
        "tlsTrustCertsFilePath": str(authority.file),
    }


def _wait_until_ready(state: NodeState, check: Callable[[], bool], timeout_s: float = 180) -> None:
    deadline = time.monotonic() + timeout_s
    while not (check() and asyncio.run(_is_ready(state))):
        if time.monotonic() > deadline:
            raise LocalNodeError("the secured node is not ready")
        time.sleep(0.25)


async def _is_ready(state: NodeState) -> bool:
    endpoint = Endpoint.of(state.service_url, credentials=Token(token(ADMIN)))
    try:
        async with Admin(endpoint) as admin, Consumer(endpoint, TOPIC, "ready"):
            return bool(await admin.settings())
    except PulsarError:
        return False


async def _grant(node: SecuredNode) -> None:
    """Let the camera produce and the viewer consume; a stranger has a token, and no right."""
    headers = {"Authorization": f"Bearer {token(ADMIN)}"}
    async with httpx.AsyncClient(base_url=node.state.admin_url, headers=headers) as client:
        for role, action in ((CAMERA, "produce"), (VIEWER, "consume")):
            path = f"/admin/v2/namespaces/public/default/permissions/{role}"
            (await client.post(path, json=[action])).raise_for_status()
