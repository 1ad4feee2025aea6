"""The pace of a topic that takes only some messages a second: seen where smaller messages do not come any quicker."""

from __future__ import annotations

_SPARE = 0.9
_LIGHTER = 0.7
# Between 0, spacing as before, and 1, spacing in proportion to the weight.
_HARDLY_CLOSER = 0.3
_SLOWER = 1.5
_QUICKER = 1.5


class Pace:
    """Compares the spacing of receipts before and after a fall.

    On a link, receipts of lighter messages are closer together. Where they are not, a fall was for nothing: what
    helps with a limit of messages a second, such as Pulsar's ``publishRate``, is a lower rate alone.

    Attributes:
        fps: frames a second that leave a tenth of it free; None while there is no such limit.
        rung_before: where the last fall began.
    """

    def __init__(self) -> None:
        self.fps: float | None = None
        self._spacing_ms = 0.0
        self._weight = 0.0
        self.rung_before = 0

    def note_fall(self, spacing_ms: float, weight: float, rung: int) -> None:
        """Note how far apart receipts were at a rung that is left now; a pace that was kept is not the reason."""
        self.fps = None
        self._spacing_ms, self._weight, self.rung_before = spacing_ms, weight, rung

    def is_found(self, spacing_ms: float, weight: float) -> bool:
        """Return whether the last fall did not bring receipts closer together."""
        if not weight < _LIGHTER * self._weight:
            return False
        as_hardly_closer_ms: float = self._spacing_ms * (weight / self._weight) ** _HARDLY_CLOSER
        return spacing_ms > as_hardly_closer_ms

    def keep(self, spacing_ms: float) -> None:
        """Keep to this spacing from now on."""
        self.fps, self._spacing_ms = _SPARE * 1000 / spacing_ms, spacing_ms

    def explains(self, spacing_ms: float) -> bool:
        """Return whether receipts come at the pace that is kept, so that they are not late for another reason."""
        return self.fps is not None and spacing_ms < _SLOWER * self._spacing_ms

    def quicken(self, most_fps: float) -> None:
        """Try more; at the full rate there is no limit any more."""
        self.fps = None if self.fps is None or self.fps * _QUICKER >= most_fps else self.fps * _QUICKER
