"""Whether a node can be reached: what its admin API and its WebSocket API answered, and what that rules out."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NodeUnreachable, NotAuthenticated, PulsarError, TlsFailed, TokenUnavailable
from .finding import Finding

DOWN = "the node does not answer"
NO_TOKEN = "a token that the node accepts comes first"  # noqa: S105 - a sentence
_START = "start one with 'pulsar-cam node start', or give another `service_url`"


@dataclass(frozen=True, slots=True)
class Reach:
    """What both APIs of a node answered: any value, or the reason for none."""

    admin: object
    websocket: object

    @property
    def is_down(self) -> bool:
        """Whether neither of them answers."""
        return isinstance(self.admin, NodeUnreachable) and isinstance(self.websocket, NodeUnreachable)

    @property
    def refusal(self) -> NotAuthenticated | TokenUnavailable | None:
        """Why one of them rejects our credentials, or there are none to send; None if both accept us."""
        answers = (self.admin, self.websocket)
        return next((each for each in answers if isinstance(each, (NotAuthenticated, TokenUnavailable))), None)

    @property
    def obstacle(self) -> str:
        """Why nothing else can be found out, in a few words; empty if it can."""
        return DOWN if self.is_down else NO_TOKEN if self.refusal else ""


def unreachable(check: str, url: str, error: PulsarError) -> Finding:
    """Return the finding that nothing answers at a URL, or nothing that can be spoken to securely."""
    if isinstance(error, TlsFailed):
        return Finding(check, "problem", f"no secure connection to {url}: {error.problem}", error.remedy)
    return Finding(check, "problem", f"no Pulsar node answers at {url} ({reason_of(error)})", _START)


def reason_of(error: PulsarError) -> str:
    """Return what went wrong, without what to do about it where that is said elsewhere."""
    return error.problem if isinstance(error, NodeUnreachable) else str(error)
