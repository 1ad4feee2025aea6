"""Adaptive publishing: which quality, size and rate the way to the node can carry without getting late.

A pure controller: every STEP_S it gets the time and what was measured, and says which setting to go to.

**What is held.** A receipt takes the round trip of an empty message, plus the *transit*: what the frame itself adds
by its bytes, and by waiting behind others. The round trip cannot be helped: the target is for the transit alone.

**Down.** The link is late when half of the receipts have a transit above the target, or when frames are left out
because the window is full of messages that queue. The median stands for the least delay of CoDel (RFC 8289): a
standing queue delays every message, jitter and short pauses only some. After LATE_S of it the spacing of the receipts
shows what a message costs a full link, and the first setting that leaves it idle a fifth of the time is taken, in one
move.

**Up.** The transit of messages that need not queue shows the same: it is what one message costs the link. The next
rung is predicted from it, and taken when it would leave the link idle a fifth of the time. So a link that is still
slow is left alone, and one that is fast again is seen at the first receipts: up goes one rung about twice a second.
Predictions can be wrong. Where the transit is long for other reasons, such as a slow disk, a rung is tried once in a
while all the same; where they promised too much, they are not trusted for a while (see _Caution).

**A limit of messages a second.** Where a fall did not bring the receipts closer together, bytes are not what is
short: the fall is taken back, and the rate lowered to what the spacing leaves room for (see Pace). More is tried when
the hold-off is over.

**Behind the node.** What viewers meet there is known from the node (their backlog), and from a monitor, if there is
one (how long its probes take, how old frames are). While they are late nothing rises, and the quality goes down one
rung every _BEHIND_EVERY_S, which leaves time to see what each did.

**Nothing to learn.** After a move, receipts of messages from before it are left out. A node that pauses sends no
receipts, and those that it sends right afterwards are late only once: nothing changes. After STALL_MS without one,
the last rung is taken, because on a link that slow one heavy frame takes minutes. While there is no session nothing
is judged, and what was learned about the last one is forgotten.

Fast down by measure and slow up by steps: D. Chiu, R. Jain, "Analysis of the Increase and Decrease Algorithms for
Congestion Avoidance in Computer Networks", 1989. Delay over the unloaded round trip: N. Cardwell et al., "BBR:
Congestion-Based Congestion Control", 2016.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ...pulsar.messages.condition import Condition
from .pace import Pace
from .setting import Setting, ladder

STEP_S = 0.2
"""How often `Controller.step` wants to be called."""
WORST = Setting(quality=40, scale=0.25, fps=5.0)
TARGET_MS = 150.0
LATE_S = 0.35
STALL_MS = 5000.0
HOLD_OFF_S = 20.0
MOST_HOLD_OFF_S = 320.0
_TRIAL_S = 5.0
_BUSY = 0.8
_LEFT_OUT = 0.1
_LEAST_TRANSIT_MS = 0.5
_FASTER = 1.5
_STEPS_TO_TRUST = 3
_QUEUES = 1.25
_RECEIPTS_OF_A_PACE = 8
_BEHIND_S = 1.0
_BEHIND_EVERY_S = 8.0  # a monitor looks every 5 s


@dataclass(frozen=True, slots=True)
class Readings:
    """What was measured since the last step; counts are of this time only.

    Attributes:
        connected: whether there was a session with the node all the time.
        receipts: how many came.
        receipt_ms: the median time from sending a message to its receipt; of no meaning without receipts.
        round_trip_ms: the shortest answer to a ping in the last minute; None while there is none.
        in_flight: messages that wait for their receipt now.
        waiting_ms: for how long the oldest of them has waited.
        captured: frames that the source gave.
        left_out: those of them that were dropped because the window of messages in flight was full.
        backlog: how many messages even the most advanced viewer has not acknowledged; None if it is not known.
        condition: of the stream behind the node; None if no monitor reports it.
    """

    connected: bool
    receipts: int
    receipt_ms: float
    round_trip_ms: float | None
    in_flight: int
    waiting_ms: float
    captured: int
    left_out: int
    backlog: int | None = None
    condition: Condition | None = None

    @property
    def transit_ms(self) -> float:
        """What half of the receipts took over the round trip; a ping is not measured more exactly than the least."""
        return max(self.receipt_ms - (self.round_trip_ms or 0.0), _LEAST_TRANSIT_MS)


@dataclass(frozen=True, slots=True)
class Change:
    """A new setting, and why, as a sentence for the log."""

    setting: Setting
    reason: str


class Controller:
    """Moves on the ladder from the best setting to the worst, so that the transit stays under a target.

    Args:
        best: where to begin and to return to; its fps is the rate of the source, or the one that was asked for.
        worst: never less than this.
        target_ms: the transit that half of the receipts must not pass, in milliseconds.
    """

    def __init__(self, best: Setting, *, worst: Setting = WORST, target_ms: float = TARGET_MS) -> None:
        self._rungs = ladder(best, worst)
        self._rung = 0
        self._target_ms = target_ms
        self._caution = _Caution()
        self._pace = Pace()
        self._old_messages = 0
        self._late_since_s: float | None = None
        self._late_receipts = 0
        self._backlog: int | None = None

    @property
    def setting(self) -> Setting:
        """What to publish with now."""
        setting, fps = self._rungs[self._rung], self._pace.fps
        return setting if fps is None else replace(setting, fps=min(setting.fps, fps))

    def step(self, now_s: float, readings: Readings) -> Change | None:
        """Judge what was measured since the last step; return the new setting, or None to stay.

        Args:
            now_s: seconds on any clock that does not go back.
        """
        if not readings.connected:
            self._late_since_s, self._old_messages, self._backlog = None, 0, None
            self._caution.forget(now_s)
            return None
        if readings.waiting_ms > STALL_MS:
            return self._move(len(self._rungs) - 1, readings, f"no receipt for {STALL_MS / 1000:.0f} s")
        if not readings.receipts and not readings.in_flight:
            self._late_since_s = None  # nothing was sent, and the spacing of receipts would only show that
        if not self._has_news(readings):
            return None
        self._caution.note(now_s, readings.transit_ms / self.setting.weight, readings.left_out)
        if why := self._why_late(readings):
            return self._fall_if_it_lasts(now_s, readings, why)
        self._late_since_s = None
        if why := self._why_viewers_are_late(readings):
            return self._spare_viewers(now_s, readings, why)
        return self._rise(now_s, readings) or self._quicken(now_s, readings)

    def _why_viewers_are_late(self, readings: Readings) -> str:
        if self._is_backlog_growing(readings.backlog):
            return f"every viewer is behind, by {readings.backlog} messages or more"
        return readings.condition.why_late if readings.condition else ""

    def _has_news(self, readings: Readings) -> bool:
        """Return whether there are receipts, all of messages that were sent with this setting."""
        is_settled = self._old_messages <= 0
        self._old_messages -= readings.receipts
        return is_settled and readings.receipts > 0 and readings.round_trip_ms is not None

    def _why_late(self, readings: Readings) -> str:
        if readings.transit_ms > self._target_ms:
            return (
                f"receipts take {readings.transit_ms:.0f} ms over the round trip of {readings.round_trip_ms:.0f} ms, "
                f"target {self._target_ms:.0f} ms"
            )
        # A window that is full though messages pass quickly is too small for the round trip: nothing queues.
        queues = readings.transit_ms > 2 * 1000 / self.setting.fps
        if queues and readings.left_out > _LEFT_OUT * readings.captured:
            return f"the link has no room for {readings.left_out} of {readings.captured} frames"
        return ""

    def _fall_if_it_lasts(self, now_s: float, readings: Readings, why: str) -> Change | None:
        if self._late_since_s is None:
            self._late_since_s, self._late_receipts = now_s, 0
            return None
        self._late_receipts += readings.receipts
        late_s = now_s - self._late_since_s
        if late_s < LATE_S:
            return None
        spacing_ms = late_s * 1000 / self._late_receipts
        if self._is_paced(spacing_ms) and (self._late_receipts < _RECEIPTS_OF_A_PACE or not self._queues(spacing_ms)):
            return None
        self._caution.fall(now_s)
        return self._fall(spacing_ms, readings, why)

    def _is_paced(self, spacing_ms: float) -> bool:
        """Return whether it is a limit of messages a second that makes receipts late."""
        is_found = self._queues(spacing_ms) and self._pace.is_found(spacing_ms, self.setting.weight)
        return is_found or self._pace.explains(spacing_ms)

    def _queues(self, spacing_ms: float) -> bool:
        return spacing_ms > _QUEUES * 1000 / self.setting.fps

    def _fall(self, spacing_ms: float, readings: Readings, why: str) -> Change | None:
        before = self.setting
        if self._is_paced(spacing_ms):
            rung = self._rung if self._pace.fps else self._pace.rung_before
            self._pace.keep(spacing_ms)
            why = f"publish rate: the topic takes {1000 / spacing_ms:.1f} messages a second, whatever their size"
            return self._move(rung, readings, why, before)
        self._pace.note_fall(spacing_ms, before.weight, self._rung)
        return self._move(self._rung_for(spacing_ms), readings, why, before)

    def _rung_for(self, spacing_ms: float) -> int:
        """Return the first lower rung at which a link that gives a receipt each `spacing_ms` has time to spare."""
        for rung in range(self._rung + 1, len(self._rungs)):
            if self._predicted_ms(rung, spacing_ms) <= _BUSY * self._interval_ms(rung):
                return rung
        return len(self._rungs) - 1

    def _rise(self, now_s: float, readings: Readings) -> Change | None:
        if self._rung == 0 or readings.left_out:
            return None
        higher = self._rung - 1
        predicted_ms = self._predicted_ms(higher, readings.transit_ms)
        fits = predicted_ms <= _BUSY * min(self._interval_ms(higher), self._target_ms)
        if fits and self._caution.trusts_predictions:
            what = "room for more"
        elif predicted_ms <= self._target_ms / 2 and self._caution.may_try(now_s):
            what = "trying more"
        else:
            return None
        self._caution.rise(now_s, was_predicted=fits)
        return self._move(higher, readings, f"receipts take {readings.transit_ms:.0f} ms over the round trip, {what}")

    def _quicken(self, now_s: float, readings: Readings) -> Change | None:
        if self._pace.fps is None or readings.left_out or not self._caution.may_try(now_s):
            return None
        before = self.setting
        self._pace.quicken(self._rungs[self._rung].fps)
        self._caution.rise(now_s, was_predicted=False)
        return self._move(self._rung, readings, "trying more than the publish rate that was measured", before)

    def _is_backlog_growing(self, backlog: int | None) -> bool:
        """Return whether even the most advanced viewer falls behind; a reading that is repeated is not growth."""
        before, self._backlog = self._backlog, backlog
        if backlog is None or before is None:
            return False
        return backlog > before and backlog > _BEHIND_S * self.setting.fps

    def _spare_viewers(self, now_s: float, readings: Readings, why: str) -> Change | None:
        """Lower the quality and nothing else: how much would help them is not known."""
        lower = min(self._rung + 1, len(self._rungs) - 1)
        if self._rungs[lower].quality == self.setting.quality or now_s - self._caution.fell_at_s < _BEHIND_EVERY_S:
            return None
        self._caution.fall(now_s)
        self._caution.distrust_predictions()  # they know the link to the node only
        return self._move(lower, readings, why)

    def _move(self, rung: int, readings: Readings, why: str, before: Setting | None = None) -> Change | None:
        """Go to a rung; `before` is the setting from before the pace changed, if that did."""
        before = before or self.setting
        self._late_since_s = None
        # One more may be under way between the encoder and the window.
        self._old_messages = readings.in_flight + 1
        self._rung = rung
        return None if self.setting == before else Change(self.setting, f"{why}: {before.change_to(self.setting)}")

    def _predicted_ms(self, rung: int, measured_ms: float) -> float:
        """Return what would be measured at a rung, for what was measured at this one."""
        return measured_ms * self._rungs[rung].weight / self.setting.weight

    def _interval_ms(self, rung: int) -> float:
        return 1000 / self._rungs[rung].fps


class _Caution:
    """Keeps the controller from going up and down: what stands against the next rise.

    A fall within _TRIAL_S of a rise that was predicted to fit means that a prediction promised too much, or that the
    link got slower just then. The next _TRIAL_S show how fast messages are, relative to their weight, on a link that
    bad. Until they are _FASTER times as fast, predictions are not trusted.

    Without trust, or where a rung is predicted not to fit, it is tried when the hold-off is over. A try that lasts
    brings trust back. Each rise that ends in a fall doubles the hold-off, unless the last fall is long ago.
    """

    def __init__(self) -> None:
        self.fell_at_s = self._rose_at_s = self._left_out_at_s = -math.inf
        self._hold_off_s = HOLD_OFF_S
        self._retry_at_s = -math.inf
        self._was_predicted = False
        self._distrusted_ms: float | None = None
        self._distrusted_at_s = -math.inf
        self._faster_steps = 0

    @property
    def trusts_predictions(self) -> bool:
        return self._distrusted_ms is None

    def may_try(self, now_s: float) -> bool:
        return now_s >= self._retry_at_s and self._quiet_s(now_s) >= _TRIAL_S

    def note(self, now_s: float, per_weight_ms: float, left_out: int) -> None:
        """Look at the transit of messages, relative to their weight, and at the frames that were left out."""
        if left_out:
            self._left_out_at_s = now_s
        if self._distrusted_ms is None:
            return
        if now_s - self._distrusted_at_s < _TRIAL_S:
            self._distrusted_ms = min(self._distrusted_ms, per_weight_ms)
        self._faster_steps = self._faster_steps + 1 if per_weight_ms * _FASTER < self._distrusted_ms else 0
        if self._faster_steps == _STEPS_TO_TRUST:
            self.forget(now_s)
        elif self._rose_at_s > self.fell_at_s and self._quiet_s(now_s) >= _TRIAL_S:
            self._distrusted_ms = None

    def rise(self, now_s: float, *, was_predicted: bool) -> None:
        self._rose_at_s, self._was_predicted = now_s, was_predicted

    def fall(self, now_s: float) -> None:
        if self._was_predicted and now_s - self._rose_at_s < _TRIAL_S and self.trusts_predictions:
            self._distrusted_ms, self._distrusted_at_s = math.inf, now_s
        if now_s - self.fell_at_s > 2 * self._hold_off_s:
            self._hold_off_s = HOLD_OFF_S
        elif self._rose_at_s > self.fell_at_s:
            self._hold_off_s = min(2 * self._hold_off_s, MOST_HOLD_OFF_S)
        self.fell_at_s, self._retry_at_s = now_s, now_s + self._hold_off_s
        self._faster_steps = 0

    def distrust_predictions(self) -> None:
        self._distrusted_ms = 0.0

    def forget(self, now_s: float) -> None:
        """Begin again, as with a link that is not known."""
        self._distrusted_ms, self._faster_steps = None, 0
        self._hold_off_s, self._retry_at_s = HOLD_OFF_S, now_s

    def _quiet_s(self, now_s: float) -> float:
        return now_s - max(self._rose_at_s, self._left_out_at_s)
