"""Steering a publisher by what it measures: quality, size and rate follow the link, and rest without viewers."""

from __future__ import annotations

import asyncio
import logging
import time

from .control.controller import STEP_S, Change, Controller
from .control.demand import Demand
from .control.setting import Setting
from .fit import FittingEncoder
from .gauge import Gauge
from .intake import Throttle
from .plan import Adapt, PublishPlan
from .stats import PublishStats

logger = logging.getLogger(__name__)

IDLE_FPS = 1.0
# A node that was just started is slow at first, which does not call for worse pictures.
_WARM_UP_S = 3.0
_DRY_RUN_PAUSE_S = 10.0


class Steering:
    """Has the controller judge what the gauge reads, every STEP_S, and sets what it says.

    Args:
        plan: its quality is the best one; with `on_demand`, IDLE_FPS is enough while there are no viewers.
        demand: who watches; None if that does not matter.
    """

    def __init__(
        self,
        plan: PublishPlan,
        gauge: Gauge,
        encoder: FittingEncoder,
        throttle: Throttle,
        stats: PublishStats,
        demand: Demand | None,
    ) -> None:
        self._plan, self._gauge, self._encoder, self._throttle = plan, gauge, encoder, throttle
        self._stats, self._demand = stats, demand
        self._is_idle = False
        self._controller: Controller | None = None
        self._best = Setting(plan.quality)
        self._first_receipt_s: float | None = None
        self._dry_until_s = 0.0

    async def run(self) -> None:
        """Look and set, for ever."""
        while True:
            await asyncio.sleep(STEP_S)
            self.step()

    def step(self) -> None:
        """Look at what was measured since the last step, and set what follows from it."""
        self._rest_or_wake()
        if not self._plan.adapts or self._is_idle:
            return
        if self._stats.trouble:  # without frames there is nothing to read
            self._gauge.reset()
        elif self._controller:
            self._judge(self._controller)
        elif self._stats.published:
            self._first_receipt_s = self._first_receipt_s or time.monotonic()
            if time.monotonic() - self._first_receipt_s > _WARM_UP_S:
                self._take_charge()

    def _take_charge(self) -> None:
        # A camera's rate is what it gives, whatever it promises.
        self._best = Setting(self._plan.quality, fps=max(1.0, self._stats.captured_rate.per_second))
        self._stats.aim.setting, self._controller = self._best, Controller(self._best)
        self._gauge.reset()

    def _rest_or_wake(self) -> None:
        is_idle = self._plan.on_demand and self._demand is not None and not self._demand.is_there
        if is_idle == self._is_idle:
            return
        self._is_idle = is_idle
        if is_idle:
            logger.info("no viewer: %g frame per second", IDLE_FPS)
            self._throttle.set(IDLE_FPS, "no_viewer")
        else:
            logger.info("a viewer has come")
            self._apply(self._controller.setting if self._controller else self._best)
        self._gauge.reset()

    def _judge(self, controller: Controller) -> None:
        now_s = time.monotonic()
        change = controller.step(now_s, self._gauge.read())
        if not change:
            return
        if self._plan.adapt is Adapt.DRY_RUN:
            self._say_only(change, now_s)
        else:
            self._stats.aim.changes += 1
            before = self._stats.aim.setting
            is_less = change.setting.weight < before.weight or change.setting.fps < before.fps
            level = logging.WARNING if is_less else logging.INFO
            logger.log(level, "%s", change.reason)
            self._apply(change.setting)

    def _say_only(self, change: Change, now_s: float) -> None:
        """Log what would be done, and judge afresh: what is measured next does not come from the change."""
        self._controller = Controller(self._best)
        if now_s > self._dry_until_s:
            self._dry_until_s = now_s + _DRY_RUN_PAUSE_S
            logger.warning("dry run: %s", change.reason)

    def _apply(self, setting: Setting) -> None:
        self._stats.aim.setting = self._encoder.wanted = setting
        self._throttle.set(setting.fps if setting.fps < self._best.fps else None, "rate_lowered")
