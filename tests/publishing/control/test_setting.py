"""Settings: how heavy they make a frame, and the ladder from the best to the worst."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pulsar_cam.pictures.jpeg import encode
from pulsar_cam.publishing.control.setting import Setting, ladder
from pulsar_cam.sources.pattern import PatternSource

WORST = Setting(40, 0.25, 5)


def test_quality_goes_first_then_size_then_rate() -> None:
    assert ladder(Setting(80, 1.0, 30), WORST) == [
        *(Setting(quality, 1.0, 30) for quality in (80, 70, 60, 50, 40)),
        *(Setting(40, scale, 30) for scale in (0.75, 0.5, 0.375, 0.25)),
        *(Setting(40, 0.25, fps) for fps in (15, 10, 7.5, 5)),
    ]


@pytest.mark.parametrize("best", [Setting(95, 1.0, 60), Setting(41, 0.3, 25), Setting(100, 1.0, 10)])
def test_each_rung_is_one_change_and_lighter_within_the_bounds(best: Setting) -> None:
    rungs = ladder(best, WORST)
    assert rungs[0] == best
    for higher, lower in pairwise(rungs):
        assert lower.weight * lower.fps < higher.weight * higher.fps
        assert "," not in higher.change_to(lower)
        assert lower.quality >= 40
        assert lower.scale >= 0.25
        assert lower.fps >= 5


@pytest.mark.parametrize("best", [Setting(20, 0.1, 2), Setting(40, 0.25, 5), Setting(1, 0.2, 1)])
def test_what_is_below_the_bounds_already_stays(best: Setting) -> None:
    assert ladder(best, WORST) == [best]


@pytest.mark.parametrize("quality", [30, 50, 70, 90, 95])
def test_weight_is_near_the_size_of_jpegs(quality: int) -> None:
    frame = PatternSource((640, 360), fps=30).read()
    assert frame
    measured = len(encode(frame, quality).jpeg) / len(encode(frame, 80).jpeg)
    assert Setting(quality).weight == pytest.approx(measured, rel=0.3)


@pytest.mark.parametrize("quality", [1, 49, 99, 100])
def test_every_quality_has_a_weight(quality: int) -> None:
    assert 0 < Setting(quality).weight < 7


def test_a_change_is_told_in_words() -> None:
    assert Setting(80).change_to(Setting(40, 0.375, 7.5)) == "quality 80 to 40, scale 1 to 0.375, fps 30 to 7.5"
    assert Setting(80).change_to(Setting(80)) == ""
