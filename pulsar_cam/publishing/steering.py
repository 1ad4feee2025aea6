"""Steering a publisher by what it measures: quality, size and rate follow the link, and rest while nobody watches."""

from __future__ import annotations

import asyncio
import enum
import logging
import statistics
import time
from types import TracebackType
from typing import Self

from ..pulsar.producer import Producer
from ..runtime.pacing import RateLimit
from .controller import STEP_S, Change, Controller, Readings
from .demand import Demand
from .fit import FittingEncoder
from .following import Following
from .setting import Setting
from .stats import PublishStats

logger = logging.getLogger(__name__)

IDLE_FPS = 1.0
# A node that was just started is slow at first, which is no reason for worse pictures.
_WARM_UP_S = 3.0
_DRY_RUN_PAUSE_S = 10.0


class Adapt(enum.Enum):
    """What becomes of the controller's decisions."""

    ON = "on"
    OFF = "off"
    DRY_RUN = "dry-run"  # they are only logged


class Throttle:
    """Leaves out captured frames, before any work is done on them, so that a lower rate remains."""

    def __init__(self) -> None:
        self._rate = RateLimit(None)
        self._reason = ""

    def set(self, fps: float | None, reason: str) -> None:
        """Let so many frames a second through, None for all; the others are dropped for that reason."""
        self._reason, self._rate = reason, RateLimit(fps)

    def reason_to_drop(self) -> str | None:
        """Return why a frame that comes now is left out; None to let it through."""
        return None if self._rate.keep(time.monotonic()) else self._reason


class Steering:
    """Has the controller judge the readings every STEP_S, and sets what it says; an async context manager.

    Args:
        quality: what was asked for, 1 to 100; never more than this.
        demand: who watches; None if that does not matter.
        on_demand: go down to IDLE_FPS while nobody watches.
        following: what a monitor tells; None if that does not matter.
    """

    def __init__(
        self,
        producer: Producer,
        encoder: FittingEncoder,
        throttle: Throttle,
        stats: PublishStats,
        quality: int,
        *,
        adapt: Adapt,
        demand: Demand | None,
        on_demand: bool,
        following: Following | None = None,
    ) -> None:
        self._producer, self._encoder, self._throttle, self._stats = producer, encoder, throttle, stats
        self._quality, self._adapt = quality, adapt
        self._demand, self._on_demand, self._following = demand, on_demand, following
        self._is_idle = False
        self._controller: Controller | None = None
        self._best = Setting(quality)
        self._first_receipt_s: float | None = None
        self._dry_until_s = 0.0
        self._before = _Counts(producer, stats)
        self._steering: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._steering = asyncio.create_task(self._steer())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._steering:
            self._steering.cancel()
            await asyncio.wait([self._steering])
            if error is None and not self._steering.cancelled():
                self._steering.result()

    async def _steer(self) -> None:
        while True:
            await asyncio.sleep(STEP_S)
            self.step()

    def step(self) -> None:
        """Look at what was measured since the last step, and set what follows from it."""
        self._rest_or_wake()
        if self._adapt is Adapt.OFF or self._is_idle:
            return
        if self._stats.trouble:  # no frames is no reading
            self._before = _Counts(self._producer, self._stats)
            return
        if self._controller:
            self._judge(self._controller)
        elif self._producer.receipts:
            self._first_receipt_s = self._first_receipt_s or time.monotonic()
            if time.monotonic() - self._first_receipt_s > _WARM_UP_S:
                self._take_charge()

    def _take_charge(self) -> None:
        # A camera's rate is what it gives, whatever it promises.
        self._best = Setting(self._quality, fps=max(1.0, self._stats.captured_rate.per_second))
        self._stats.setting, self._controller = self._best, Controller(self._best)
        self._before = _Counts(self._producer, self._stats)

    def _rest_or_wake(self) -> None:
        is_idle = self._on_demand and self._demand is not None and not self._demand.is_there
        if is_idle == self._is_idle:
            return
        self._is_idle = is_idle
        if is_idle:
            logger.info("nobody watches: %g frame per second", IDLE_FPS)
            self._throttle.set(IDLE_FPS, "no_viewer")
        else:
            logger.info("somebody watches")
            self._apply(self._controller.setting if self._controller else self._best)
        self._before = _Counts(self._producer, self._stats)

    def _judge(self, controller: Controller) -> None:
        now_s, before = time.monotonic(), self._before
        self._before = _Counts(self._producer, self._stats)
        change = controller.step(now_s, self._readings(before, self._before))
        if not change:
            return
        if self._adapt is Adapt.DRY_RUN:
            self._say_only(change, now_s)
        else:
            self._stats.changes += 1
            level = logging.WARNING if change.setting.weight < self._stats.setting.weight else logging.INFO
            logger.log(level, "%s", change.reason)
            self._apply(change.setting)

    def _say_only(self, change: Change, now_s: float) -> None:
        """Log what would be done, and judge afresh: what is measured next does not come from the change."""
        self._controller = Controller(self._best)
        if now_s > self._dry_until_s:
            self._dry_until_s = now_s + _DRY_RUN_PAUSE_S
            logger.warning("dry run: %s", change.reason)

    def _apply(self, setting: Setting) -> None:
        self._stats.setting = self._encoder.wanted = setting
        self._throttle.set(setting.fps if setting.fps < self._best.fps else None, "rate_lowered")

    def _readings(self, before: _Counts, now: _Counts) -> Readings:
        times_ns = self._producer.last_receipts_ns(now.receipts - before.receipts)
        audience = self._demand.audience if self._demand else None
        condition = self._following.condition if self._following else None
        return Readings(
            connected=before.is_connected and now.is_connected and before.reconnects == now.reconnects,
            receipts=len(times_ns),
            receipt_ms=statistics.median(times_ns) / 1e6 if times_ns else 0.0,
            round_trip_ms=self._producer.ping_s * 1000 or None,
            in_flight=self._producer.in_flight,
            waiting_ms=self._producer.oldest_in_flight_s * 1000,
            captured=now.captured - before.captured,
            left_out=now.left_out - before.left_out,
            backlog=audience.backlog if audience else condition.backlog if condition else None,
            condition=condition,
        )


class _Counts:
    """What is counted for ever, at one time."""

    def __init__(self, producer: Producer, stats: PublishStats) -> None:
        self.is_connected, self.reconnects = producer.is_connected, producer.reconnects
        self.receipts = producer.receipts
        self.captured = stats.captured - stats.dropped["rate_lowered"]
        self.left_out = stats.dropped["in_flight_full"]
