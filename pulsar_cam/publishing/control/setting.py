"""What a frame is published with, and the ladder of worse settings: quality goes first, then size, then rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

_QUALITY_STEP = 10
# Of 1280x720 these make 960x540, 640x360, 480x270, 320x180 and less.
_SCALES = (0.75, 0.5, 0.375, 0.25, 0.1875, 0.125, 0.1)
# Leaving out whole frames keeps the others evenly spaced.
_EVERY_NTH = (2, 3, 4, 6, 8, 12)


@dataclass(frozen=True, slots=True)
class Setting:
    """How frames are published.

    Attributes:
        quality: JPEG quality, 1 to 100.
        scale: factor on width and height; 1.0 leaves the size alone.
        fps: frames per second, at most.
    """

    quality: int
    scale: float = 1.0
    fps: float = 30.0

    @property
    def weight(self) -> float:
        """About how many bytes a frame makes, relative to one at quality 80 and full size.

        A JPEG's size falls with the 0.6th power of the factor by which libjpeg scales its quantization tables
        (``jpeg_quality_scaling`` in its jcparam.c), and with the 1.7th power of the scale: fine detail goes last.
        Measured on pictures with the spectrum of natural ones, at qualities 20 to 95 and scales 0.125 to 1: within
        a fifth for quality, a third for scale.
        """
        tables = 200 - 2 * self.quality if self.quality >= 50 else 5000 / self.quality
        return float((max(tables, 2) / 40) ** -0.6 * self.scale**1.7)

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is printed in JSON."""
        return {"quality": self.quality, "scale": self.scale, "fps": round(self.fps, 1)}

    def change_to(self, other: Setting) -> str:
        """Return what another setting would change, such as ``quality 80 to 60, scale 1 to 0.5``."""
        return ", ".join(
            f"{name} {mine:.3g} to {theirs:.3g}"
            for name in ("quality", "scale", "fps")
            if (mine := getattr(self, name)) != (theirs := getattr(other, name))
        )


class Aim:
    """What a publisher aims at now, and how often that changed.

    Attributes:
        setting: quality, scale and rate.
        changes: how often the controller changed it.
    """

    def __init__(self) -> None:
        self.setting = Setting(quality=100)
        self.changes = 0


def ladder(best: Setting, worst: Setting) -> list[Setting]:
    """Return the settings from the best one down, one change at each rung, none with less than `worst` allows."""
    rungs = [best]
    if best.quality > worst.quality:
        qualities = range(best.quality - _QUALITY_STEP, worst.quality, -_QUALITY_STEP)
        rungs += [replace(best, quality=quality) for quality in (*qualities, worst.quality)]
    rungs += [replace(rungs[-1], scale=scale) for scale in _SCALES if worst.scale <= scale < best.scale]
    rates = (best.fps / nth for nth in _EVERY_NTH)
    return rungs + [replace(rungs[-1], fps=fps) for fps in rates if fps >= worst.fps]
