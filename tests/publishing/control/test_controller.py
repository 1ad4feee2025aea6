"""The controller, in simulated minutes of traffic: it holds its target, comes back, and does not go up and down."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from pulsar_cam.publishing.control.controller import HOLD_OFF_S, TARGET_MS, WORST, Change, Controller, Readings
from pulsar_cam.publishing.control.setting import Setting, ladder
from pulsar_cam.pulsar.messages.condition import Condition

from ...lab.link_model import Course, Run, Simulation, World, always, ramp, steps

BEST = Setting(80, 1.0, 30.0)
LAST = Setting(40, 0.25, 5.0)
FAULT_S, MENDED_S = 10.0, 40.0


def simulate(world: World, seconds: float, seed: int = 1) -> Run:
    """Run a controller in a world; whatever happens, it stays on its ladder."""
    run = Simulation(world, Controller(replace(BEST, fps=world.fps)), seed).go(seconds)
    rungs = ladder(replace(BEST, fps=world.fps), WORST)
    assert all(change.setting in rungs for _, change in run.changes)
    return run


def last_setting(run: Run) -> Setting:
    return run.changes[-1][1].setting if run.changes else BEST


def fault(normal: float, faulty: float) -> Course:
    return steps((0, normal), (FAULT_S, faulty), (MENDED_S, normal))


FAULTS = {
    "20 Mbit/s": World(mbit=fault(1000, 20)),
    "20 of 100 Mbit/s": World(mbit=fault(100, 20)),
    "20 Mbit/s, 200 ms away": World(mbit=fault(100, 20), round_trip_ms=200, jitter_ms=5),
    "5 Mbit/s": World(mbit=fault(1000, 5)),
    "throttled node": World(node_ms=fault(3, 100)),
    "60 fps": World(mbit=fault(200, 40), fps=60),
}


@pytest.mark.parametrize("world", FAULTS.values(), ids=FAULTS)
def test_a_fault_lowers_the_picture_at_once_and_its_end_brings_all_back_within_10_s(world: World) -> None:
    run = simulate(world, MENDED_S + 20)
    assert run.changes_in(0, FAULT_S) == []
    assert run.changes_in(FAULT_S, FAULT_S + 1.5)
    assert run.p95_ms(FAULT_S + 3, FAULT_S + HOLD_OFF_S) < TARGET_MS
    assert run.fps_in(FAULT_S + 3, FAULT_S + HOLD_OFF_S) > 0.9 * world.fps
    assert last_setting(run) == replace(BEST, fps=world.fps)
    assert run.changes_in(MENDED_S + 10, MENDED_S + 20) == []
    assert len(run.changes) <= 16


def test_a_fault_right_after_the_way_back_from_another_one_is_not_held_against_the_link() -> None:
    world = World(node_ms=steps((0, 3), (4, 100), (6, 3)), mbit=steps((0, 1000), (11, 20), (27, 1000)))
    run = simulate(world, 40)
    assert run.changes_in(0, 11)[-1].setting == BEST
    assert run.changes_in(11, 12.5)
    assert last_setting(run) == BEST
    assert run.changes_in(37, 40) == []


PERSISTENT = {
    "20 Mbit/s": World(mbit=always(20)),
    "with jitter": World(mbit=always(20), jitter_ms=10),
    "200 ms away": World(mbit=always(20), round_trip_ms=200, jitter_ms=5),
    "bursts of 64 kB": World(mbit=always(20), burst_kb=64),
    "bursts of 256 kB": World(mbit=always(20), burst_kb=256),
}


@pytest.mark.parametrize("world", PERSISTENT.values(), ids=PERSISTENT)
def test_a_link_that_stays_slow_is_tried_less_and_less_often(world: World) -> None:
    run = simulate(world, 100)
    assert run.p95_ms(5, 100) < TARGET_MS
    assert run.fps_in(5, 100) > 28
    falls = [at_s for at_s, change in run.changes if "target" in change.reason or "no room" in change.reason]
    assert 2 <= len(falls) <= 3
    assert all(later - earlier > HOLD_OFF_S for earlier, later in pairwise(falls[-2:]))
    assert len(run.changes) <= 11


def test_a_slow_ramp_is_followed_down_and_up() -> None:
    run = simulate(World(mbit=ramp((0, 100), (30, 20), (50, 20), (80, 100))), 100)
    assert run.p95_ms(0, 100) < TARGET_MS
    assert len(run.changes) <= 12
    assert last_setting(run) == BEST


@pytest.mark.parametrize("seed", range(3))
def test_jitter_changes_nothing(seed: int) -> None:
    assert simulate(World(jitter_ms=25), 30, seed).changes == []


@pytest.mark.parametrize("phase_s", [0, 0.05, 0.1, 0.15])
def test_a_pause_of_3_s_changes_nothing(phase_s: float) -> None:
    run = simulate(World(is_up=steps((0, 1), (5 + phase_s, 0), (8 + phase_s, 1))), 12)
    assert run.changes == []


def test_short_pauses_again_and_again_change_nothing() -> None:
    assert simulate(World(is_up=lambda time_s: time_s % 0.8 > 0.4), 20).changes == []


def test_a_pause_of_10_s_ends_in_the_lightest_setting_and_all_is_back_within_10_s() -> None:
    run = simulate(World(is_up=steps((0, 1), (5, 0), (15, 1))), 25)
    assert run.changes[0][1].setting == LAST
    assert run.changes[0][1].reason.startswith("no receipt for 5 s: quality 80 to 40, ")
    assert run.changes_in(0, 15) == [run.changes[0][1]]
    assert last_setting(run) == BEST


def test_a_round_trip_of_200_ms_alone_changes_nothing() -> None:
    run = simulate(World(round_trip_ms=200, jitter_ms=5), 30)
    assert run.changes == []
    assert run.fps_in(5, 30) > 29


def test_a_very_slow_link_gets_small_pictures() -> None:
    run = simulate(World(mbit=always(2)), 60)
    assert run.p95_ms(10, 60) < TARGET_MS
    assert last_setting(run).scale == WORST.scale
    assert last_setting(run).fps >= 10
    assert len(run.changes) <= 5


def test_a_link_too_slow_for_anything_stays_at_the_bounds() -> None:
    run = simulate(World(mbit=always(0.2)), 60)
    assert [change.setting for _, change in run.changes] == [LAST]


def test_a_session_that_is_lost_is_no_reason_and_the_next_one_begins_without_prejudice() -> None:
    world = World(mbit=steps((0, 20), (50, 1000)), is_connected=steps((0, 1), (50, 0), (60, 1)))
    run = simulate(world, 70)
    assert run.changes_in(50, 60) == []
    assert last_setting(run) == BEST


def test_a_slow_disk_lowers_nothing_and_delays_the_way_back() -> None:
    assert simulate(World(disk_ms=60), 20).changes == []
    run = simulate(World(disk_ms=25, mbit=fault(1000, 20)), MENDED_S + 60)
    assert last_setting(run) == BEST


def test_a_viewer_that_falls_behind_lowers_quality_and_nothing_else() -> None:
    run = simulate(World(viewer_mbit=steps((0, 15), (60, 1000))), 130)
    settings = [change.setting for _, change in run.changes]
    assert Setting(40) in settings
    assert {setting.scale for setting in settings} == {1.0}
    assert settings[-1] == BEST
    assert len(settings) <= 12


def test_what_a_monitor_sees_behind_the_node_lowers_quality_and_keeps_it_down_for_as_long() -> None:
    controller = Controller(BEST)
    late = replace(QUIET, condition=Condition(probe_ms=800, budget_ms=250))
    changes = feed(late, 300, controller)
    assert changes[0].reason == ("the monitor's probe takes 800 ms through the node, budget 250 ms: quality 80 to 70")
    assert [change.setting.quality for change in changes] == sorted({each.setting.quality for each in changes})[::-1]
    assert changes[-1].setting == Setting(40)
    well = replace(QUIET, condition=Condition(probe_ms=20, budget_ms=250))
    back = [controller.step(60 + step * 0.2, well) for step in range(600)]
    assert [change.setting for change in back if change][-1] == BEST


@pytest.mark.parametrize("per_second", [3.0, 5.0, 8.0])
def test_a_limit_of_messages_a_second_lowers_the_rate_and_gives_quality_and_size_back(per_second: float) -> None:
    world = World(per_second=fault(1000, per_second))
    run = Simulation(world, Controller(BEST)).go(MENDED_S + 80)
    assert run.changes_in(0, FAULT_S) == []
    settled = run.changes_in(FAULT_S, FAULT_S + 6)[-1]
    assert settled.reason.startswith("publish rate: the topic takes ")
    assert (settled.setting.quality, settled.setting.scale) == (BEST.quality, BEST.scale)
    assert settled.setting.fps == pytest.approx(0.9 * per_second, rel=0.15)
    assert all(change.setting.scale == 1 for change in run.changes_in(FAULT_S + 6, MENDED_S))
    assert run.fps_in(FAULT_S + 6, FAULT_S + HOLD_OFF_S) > 0.75 * per_second
    assert run.p95_ms(FAULT_S + 12, FAULT_S + HOLD_OFF_S) < TARGET_MS
    assert last_setting(run) == BEST
    assert len(run.changes) <= 20


QUIET = Readings(
    connected=True, receipts=6, receipt_ms=5, round_trip_ms=1, in_flight=1, waiting_ms=5, captured=6, left_out=0
)
LATE = replace(QUIET, receipt_ms=311, in_flight=4, left_out=3)


def feed(readings: Readings, count: int = 10, controller: Controller | None = None) -> list[Change]:
    """Return the changes that a reading brings which is always the same."""
    controller = controller or Controller(BEST)
    changes = [controller.step(step * 0.2, readings) for step in range(count)]
    return [change for change in changes if change]


@pytest.mark.parametrize(
    "readings",
    [
        QUIET,
        replace(LATE, connected=False),
        replace(LATE, receipts=0),
        replace(LATE, round_trip_ms=None),
        replace(LATE, round_trip_ms=300, left_out=0),
        replace(QUIET, left_out=3),  # the window is too small
        replace(QUIET, receipt_ms=0.2, round_trip_ms=0.4),
        replace(QUIET, backlog=1000),
    ],
    ids=str,
)
def test_no_reason_to_change(readings: Readings) -> None:
    assert feed(readings) == []


def test_a_step_or_two_that_are_late_are_no_reason() -> None:
    controller = Controller(BEST)
    assert feed(LATE, 2, controller) == []
    assert feed(QUIET, 1, controller) == []
    assert feed(LATE, 2, controller) == []


def test_a_source_that_rests_does_not_look_like_a_slow_link() -> None:
    controller = Controller(BEST)
    rest = replace(QUIET, receipts=0, in_flight=0, captured=0)
    assert [feed(readings, 1, controller) for readings in (LATE, LATE, rest, LATE, LATE)] == [[]] * 5
    at_rest = [controller.step(time_s, readings) for time_s, readings in ((10, rest), (60, LATE), (60.2, LATE))]
    assert at_rest == [None] * 3


def test_each_change_says_why() -> None:
    assert feed(LATE)[0].reason == (
        "receipts take 310 ms over the round trip of 1 ms, target 150 ms: quality 80 to 70"
    )
    full = replace(LATE, receipt_ms=101)
    assert feed(full)[0].reason == "the link has no room for 3 of 6 frames: quality 80 to 70"
    controller = Controller(BEST)
    feed(LATE, 3, controller)
    assert feed(QUIET, 4, controller)[0].reason == (
        "receipts take 4 ms over the round trip, room for more: quality 70 to 80"
    )


def test_the_target_is_the_callers() -> None:
    assert feed(LATE, controller=Controller(BEST, target_ms=350)) != []
    assert feed(replace(LATE, left_out=0), controller=Controller(BEST, target_ms=350)) == []


def test_where_nothing_can_be_lowered_nothing_is() -> None:
    assert feed(LATE, controller=Controller(Setting(30, 0.25, 5))) == []
