"""Topics that take only some messages a second: what is shown stays young."""

from __future__ import annotations

import statistics
import time

import pytest

from pulsar_cam.frame import Frame, Packet
from pulsar_cam.node import NodeState
from pulsar_cam.publishing.plan import Adapt
from pulsar_cam.sinks.viewer import Viewer

from ..lab.streams import call, endpoint_of, new_topic
from ..lab.xvfb import wait_until
from .watching import Publishing, Watching, pattern


class Ages(Viewer):
    """A viewer that notes how old the frames are, also where they are too small for their numbers to be read."""

    def __init__(self) -> None:
        super().__init__()
        self.ages_ms: list[float] = []

    def show(self, frame: Frame, info: object = list, packet: Packet | None = None) -> None:
        self.ages_ms.append((time.time_ns() - frame.captured_at_ns) / 1e6)


@pytest.mark.parametrize("adapt", [Adapt.OFF, Adapt.ON])
def test_a_publish_rate_of_5_a_second_shows_4_a_second_or_more_and_none_of_them_old(
    node: NodeState, adapt: Adapt
) -> None:
    topic = new_topic()
    call(endpoint_of(node), "PUT", f"/{topic.path}")
    rate = {"publishThrottlingRateInMsg": 5, "publishThrottlingRateInByte": -1}
    call(endpoint_of(node), "POST", f"/{topic.path}/publishRate", rate)
    viewer = Ages()
    with Watching(node, topic, viewer=viewer) as watching, Publishing(node, topic, pattern, adapt=adapt):
        wait_until(lambda: watching.stats.shown > 20, "frames")
        before = len(viewer.ages_ms)
        time.sleep(15)
        ages_ms = viewer.ages_ms[before:]
    assert len(ages_ms) >= 4 * 15
    assert statistics.quantiles(ages_ms, n=20)[-1] < 500
