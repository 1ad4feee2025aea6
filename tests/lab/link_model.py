"""A simulated camera, publisher, link and node, for what no test could wait for: minutes of traffic in milliseconds.

Time goes in ticks of 10 ms. Every message has the bytes that a JPEG of its setting has, waits for its turn on the
link and at the node, and holds its place in the window until its receipt is back.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from pulsar_cam.publishing.control.controller import STEP_S, Change, Controller, Readings
from pulsar_cam.publishing.control.setting import Setting
from pulsar_cam.pulsar.sessions.in_flight import in_flight_to_stay_young

TICK_S = 0.01
_PING_EVERY_S = 1.0
_PINGS_FOR_S = 60.0
_POLL_EVERY_S = 2.0
_JPEG_BYTES = 135_000  # 1280x720 at quality 80
# Measured on a picture with the spectrum of natural ones, not with the formula that the controller predicts by.
_OF_QUALITY = {80: 1.0, 70: 0.78, 60: 0.63, 50: 0.55, 40: 0.46}
_OF_SCALE = {1.0: 1.0, 0.75: 0.58, 0.5: 0.3, 0.375: 0.18, 0.25: 0.095}

Course = Callable[[float], float]
"""A quantity as a function of the time in seconds."""


def steps(*levels: tuple[float, float]) -> Course:
    """Return a course that has each level from its time on."""
    return lambda time_s: [level for start_s, level in levels if start_s <= time_s][-1]


def ramp(*points: tuple[float, float]) -> Course:
    """Return a course of straight lines between points."""

    def course(time_s: float) -> float:
        for (start_s, start), (end_s, end) in pairwise(points):
            if time_s < end_s:
                return start + (end - start) * max(0.0, time_s - start_s) / (end_s - start_s)
        return points[-1][1]

    return course


def message_bits(setting: Setting) -> float:
    """Return the size of a message, JPEG in base64, in bits."""
    return _JPEG_BYTES * _OF_QUALITY[setting.quality] * _OF_SCALE[setting.scale] * 4 / 3 * 8


def always(level: float) -> Course:
    return lambda _time_s: level


@dataclass
class World:
    """What surrounds the controller.

    Attributes:
        mbit: what the link carries, in Mbit/s.
        burst_kb: how much passes at once when the link was idle, as with a token bucket.
        round_trip_ms: of an empty message.
        jitter_ms: mean of an exponential delay of each receipt; receipts keep their order.
        node_ms: what the node needs for a message of quality 80, one after the other; less for lighter ones.
        disk_ms: what every receipt takes longer, however light its message and however many there are.
        per_second: how many messages the topic takes in a second; None without a limit.
        is_up: 0 while the node pauses; messages wait.
        is_connected: 0 while there is no session; messages in flight are lost.
        viewer_mbit: what the link of the only viewer carries; what it did not get yet is the backlog.
    """

    mbit: Course = field(default_factory=lambda: always(1000))
    burst_kb: float = 0.0
    round_trip_ms: float = 0.5
    jitter_ms: float = 0.5
    node_ms: Course = field(default_factory=lambda: always(3))
    disk_ms: float = 0.0
    per_second: Course | None = None
    is_up: Course = field(default_factory=lambda: always(1))
    is_connected: Course = field(default_factory=lambda: always(1))
    viewer_mbit: Course | None = None
    fps: float = 30.0
    encode_ms: float = 5.0


@dataclass
class Run:
    """What happened: every change, and every receipt with its transit in milliseconds; each with its time."""

    changes: list[tuple[float, Change]] = field(default_factory=list)
    receipts: list[tuple[float, float]] = field(default_factory=list)

    def changes_in(self, start_s: float, end_s: float) -> list[Change]:
        return [change for at_s, change in self.changes if start_s <= at_s < end_s]

    def p95_ms(self, start_s: float, end_s: float) -> float:
        """Return the 95th percentile of the transit of the receipts in a time."""
        return statistics.quantiles([ms for at_s, ms in self.receipts if start_s <= at_s < end_s], n=20)[-1]

    def fps_in(self, start_s: float, end_s: float) -> float:
        return sum(start_s <= at_s < end_s for at_s, _ in self.receipts) / (end_s - start_s)


@dataclass(eq=False)
class _Message:
    sent_s: float
    bits: float
    bits_left: float
    back_s: float = math.inf


class Simulation:
    """Runs a controller in a world; the same seed gives the same run."""

    def __init__(self, world: World, controller: Controller, seed: int = 1) -> None:
        self.world, self.controller = world, controller
        self.run = Run()
        self._random = random.Random(seed)
        self._window = self._widest = max(4, math.ceil(world.fps * world.round_trip_ms / 1000) + 2)
        self._in_flight: list[_Message] = []
        self._link: deque[_Message] = deque()
        self._burst_bits = self._tokens = world.burst_kb * 8000
        self._node: deque[tuple[float, _Message]] = deque()
        self._node_free_s = self._last_back_s = self._next_pass_s = 0.0
        self._pings: deque[tuple[float, float]] = deque()
        self._has_newest = False
        self._next_frame_s = 0.0
        self._encoding: tuple[float, Setting] | None = None
        self._receipts_ms: list[float] = []
        self._captured = self._left_out = 0
        self._was_connected = True
        self._viewer_bits = 0.0
        self._backlog: int | None = None

    def go(self, seconds: float) -> Run:
        """Run from the start for so long."""
        for tick in range(round(seconds / TICK_S)):
            now = tick * TICK_S
            if not self.world.is_connected(now):
                self._lose_all()
            self._receive(now)
            self._capture(now)
            self._encode_and_send(now)
            self._carry(now)
            self._serve(now)
            if tick % round(_PING_EVERY_S / TICK_S) == 0:
                self._ping(now)
            if tick % round(_POLL_EVERY_S / TICK_S) == 0 and self.world.viewer_mbit:
                self._backlog = round(self._viewer_bits / message_bits(self.controller.setting))
            if tick % round(STEP_S / TICK_S) == 0:
                self._step(now)
        return self.run

    def _lose_all(self) -> None:
        for messages in (self._in_flight, self._link, self._node, self._pings):
            messages.clear()
        self._was_connected = False

    def _receive(self, now: float) -> None:
        while self._in_flight and self._in_flight[0].back_s <= now:
            message = self._in_flight.pop(0)
            ms = (message.back_s - message.sent_s) * 1000
            self._receipts_ms.append(ms)
            self.run.receipts.append((now, ms - self.world.round_trip_ms))

    def _capture(self, now: float) -> None:
        if now >= self._next_frame_s:
            self._next_frame_s += 1 / min(self.world.fps, self.controller.setting.fps)
            self._captured += 1
            self._left_out += self._has_newest
            self._has_newest = True

    def _encode_and_send(self, now: float) -> None:
        if self._encoding and now >= self._encoding[0]:
            bits = message_bits(self._encoding[1]) * self._random.uniform(0.95, 1.05)
            message = _Message(now, bits, bits)
            self._link.append(message)
            self._in_flight.append(message)
            self._encoding = None
        has_room = len(self._in_flight) < self._window and self.world.is_connected(now)
        if self._has_newest and has_room and not self._encoding:
            self._has_newest = False
            self._encoding = now + self.world.encode_ms / 1000, self.controller.setting

    def _carry(self, now: float) -> None:
        fresh_bits = self.world.mbit(now) * 1e6 * TICK_S
        self._tokens = min(self._burst_bits, self._tokens) + fresh_bits
        available = self._tokens
        while self._link and self._tokens > 0:
            part = min(self._tokens, self._link[0].bits_left)
            self._tokens -= part
            self._link[0].bits_left -= part
            if self._link[0].bits_left <= 0:
                self._node.append((now + TICK_S * (1 - self._tokens / available), self._link.popleft()))

    def _serve(self, now: float) -> None:
        if not self.world.is_up(now):
            self._node_free_s = max(self._node_free_s, now + TICK_S)
        while self._node and self._node_free_s < now + TICK_S:
            arrived_s, message = self._node.popleft()
            cost_ms = self.world.node_ms(now) * message.bits / message_bits(Setting(80))
            self._node_free_s = max(self._node_free_s, arrived_s) + cost_ms / 1000
            if self.world.per_second:
                self._next_pass_s = max(self._next_pass_s + 1 / self.world.per_second(now), self._node_free_s)
                self._node_free_s = self._next_pass_s
            late_ms = self.world.round_trip_ms + self.world.disk_ms + self._jitter_ms()
            message.back_s = self._last_back_s = max(self._last_back_s, self._node_free_s + late_ms / 1000)
            self._viewer_bits += message.bits
        if self.world.viewer_mbit:
            self._viewer_bits = max(0.0, self._viewer_bits - self.world.viewer_mbit(now) * 1e6 * TICK_S)

    def _jitter_ms(self) -> float:
        return self._random.expovariate(1 / self.world.jitter_ms)

    def _ping(self, now: float) -> None:
        queue_ms = sum(message.bits_left for message in self._link) / self.world.mbit(now) / 1000
        self._pings.append((now, self.world.round_trip_ms + queue_ms))
        while now - self._pings[0][0] > _PINGS_FOR_S:
            self._pings.popleft()

    def _fit_window(self) -> None:
        if self._receipts_ms:
            receipt_s, ping_s = statistics.median(self._receipts_ms[-4:]) / 1000, self.world.round_trip_ms / 1000
            self._window = min(self._widest, in_flight_to_stay_young(self._window, receipt_s, ping_s))

    def _step(self, now: float) -> None:
        readings = Readings(
            connected=self._was_connected,
            receipts=len(self._receipts_ms),
            receipt_ms=statistics.median(self._receipts_ms) if self._receipts_ms else 0.0,
            round_trip_ms=min((ms for _, ms in self._pings), default=None),
            in_flight=len(self._in_flight),
            waiting_ms=(now - self._in_flight[0].sent_s) * 1000 if self._in_flight else 0.0,
            captured=self._captured,
            left_out=self._left_out,
            backlog=self._backlog,
        )
        self._fit_window()
        change = self.controller.step(now, readings)
        if change:
            self.run.changes.append((now, change))
        self._receipts_ms, self._captured, self._left_out, self._was_connected = [], 0, 0, True
