"""Messages that wait for their receipt."""

from __future__ import annotations

import math

LEAST_IN_FLIGHT = 4
MOST_IN_FLIGHT = 64


def in_flight_on(round_trip_s: float, fps: float) -> int:
    """Return how many messages may be on their way at once, at least 4 and at most 64.

    Fewer than frame rate times round trip (Little's law) starve the link, more make pictures old; three are for what
    the node itself takes.
    """
    return min(MOST_IN_FLIGHT, max(LEAST_IN_FLIGHT, math.ceil(fps * round_trip_s) + 3))
