"""What is measured: sizes, lengths, and the job that both processes of one round are given."""

from __future__ import annotations

from dataclasses import dataclass

QUALITY = 80
RING = 30
"""Different frames that a camera shows, one after the other, over and over."""
CAMERA_FPS = 30.0
FLOOD_FPS = 240.0
"""More than any transport can carry: what then arrives is its highest rate."""


@dataclass(frozen=True)
class Size:
    """A resolution, and what one of its frames weighs as a JPEG of quality 80."""

    name: str
    width: int
    height: int
    jpeg_bytes: int


SIZES = {
    size.name: size
    for size in (Size("480p", 640, 480, 50_000), Size("720p", 1280, 720, 140_000), Size("1080p", 1920, 1080, 320_000))
}


@dataclass(frozen=True)
class Job:
    """One round of one transport.

    Attributes:
        transport: its key in the registry.
        ring: the folder with the frames.
        fps, seconds: how fast and how long the camera goes.
        settle_s: so long after the first frame nothing is measured yet.
        viewer_delay_s: what the viewer needs for a frame besides decoding it.
        topic: full name of a topic that was not used before; empty for a transport without one.
        service_url, broker_url: the node's addresses.
    """

    transport: str
    ring: str
    fps: float = CAMERA_FPS
    seconds: float = 3.0
    settle_s: float = 0.5
    viewer_delay_s: float = 0.0
    topic: str = ""
    service_url: str = ""
    broker_url: str = ""


@dataclass(frozen=True)
class Plan:
    """The rounds of a whole run.

    Attributes:
        age_sizes, flood_sizes: where age and where the highest rate is measured.
        age_rounds, flood_rounds: how often the transports take turns.
        age_s, flood_s, warm_up_s, slow_s: seconds of each turn; no slow viewer if `slow_s` is 0.
        flooded: transports whose highest rate is measured; empty for all.
    """

    age_sizes: tuple[str, ...] = ("480p", "720p", "1080p")
    flood_sizes: tuple[str, ...] = ("480p", "720p", "1080p")
    age_rounds: int = 4
    age_s: float = 5.5
    flood_rounds: int = 2
    flood_s: float = 4.5
    warm_up_s: float = 10.0
    slow_s: float = 60.0
    settle_s: float = 0.5
    flooded: tuple[str, ...] = ()


QUICK = Plan(
    age_sizes=("720p",),
    flood_sizes=("1080p",),
    age_rounds=2,
    age_s=1.7,
    flood_rounds=1,
    flood_s=1.5,
    warm_up_s=4.0,
    slow_s=0.0,
    settle_s=0.3,
    flooded=("ours-persistent", "ours-non-persistent", "naive-websocket"),
)
