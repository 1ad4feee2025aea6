"""What `watch` asks of that which receives for it."""

from __future__ import annotations

from typing import Protocol

from ..frame import Frame, Packet


class Receiver(Protocol):
    """Receives on the event loop of the network, for a viewer in another thread."""

    async def receive(self) -> None:
        """Receive until enough frames have come, or without end.

        Raises:
            PulsarError: the node cannot be reached, or refuses for a reason that will not pass.
        """

    def next(self, timeout_s: float, *, is_paused: bool) -> Packet | None:
        """Wait for the packet to show now; None after that time, or where none is to be shown."""

    def done(self, shown: Packet | Frame) -> None:
        """Say that a packet, or the frame decoded from it, was shown, or that it never can be."""

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits, and nothing more will come."""
