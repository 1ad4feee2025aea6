"""One packet is sent while the next is made; what waited too long is dropped with its reason."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import pytest

from pulsar_cam.errors import NotAuthorized
from pulsar_cam.frame import Packet
from pulsar_cam.publishing.sender import Sender
from pulsar_cam.publishing.stats import PublishStats
from pulsar_cam.pulsar.messages.wire import Receipt
from pulsar_cam.pulsar.sessions.producer import Producer


def packet(sequence: int = 0, encoded_s_ago: float = 0.0) -> Packet:
    return Packet(b"", 1, 1, 0, sequence=sequence, encoded_at_ns=time.time_ns() - round(encoded_s_ago * 1e9))


class Link:
    """A producer whose link takes a packet when the test lets it: a real one takes small packets at once."""

    def __init__(self) -> None:
        self.is_connected, self.is_full = True, False
        self.sent: list[int | None] = []
        self.takes = asyncio.Event()
        self.error: Exception | None = None

    async def room(self) -> None:
        if self.error:
            raise self.error

    async def send(self, packet: Packet) -> asyncio.Future[Receipt]:
        await self.takes.wait()
        self.sent.append(packet.sequence)
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        receipt.set_result(Receipt(str(packet.sequence), message_id="a"))
        return receipt

    async def drain(self, timeout_s: float) -> None:
        await asyncio.sleep(0)

    def raise_if_ended(self) -> None:
        if self.error:
            raise self.error


def stats_of(link: Link) -> PublishStats:
    stats = PublishStats()
    stats.session = cast(Producer, link)
    return stats


def test_a_packet_is_sent_while_the_next_is_made_and_the_third_waits() -> None:
    async def main() -> None:
        link = Link()
        stats = stats_of(link)
        async with Sender(cast(Producer, link), stats) as sender:
            await sender.begin(packet(0))
            second = asyncio.create_task(sender.begin(packet(1)))
            await asyncio.sleep(0.01)
            assert (second.done(), link.sent) == (False, [])
            link.takes.set()
            await second
            await sender.finish(1)
        assert link.sent == [0, 1]
        assert (stats.sent, stats.published, dict(stats.dropped)) == (2, 2, {})

    asyncio.run(main())


@pytest.mark.parametrize(("connected", "reason"), [(True, "in_flight_full"), (False, "disconnected")])
def test_a_packet_that_waited_too_long_is_dropped_with_what_it_waited_for(connected: bool, reason: str) -> None:
    async def main() -> None:
        link = Link()
        link.is_connected, link.is_full = connected, True
        link.takes.set()
        stats = stats_of(link)
        async with Sender(cast(Producer, link), stats) as sender:
            await sender.begin(packet(0, encoded_s_ago=0.6))
            await sender.finish(1)
        assert link.sent == []
        assert (stats.sent, dict(stats.dropped)) == (0, {reason: 1})

    asyncio.run(main())


def test_an_error_that_will_not_pass_reaches_the_caller() -> None:
    async def main() -> None:
        link = Link()
        link.error = NotAuthorized("publish")
        async with Sender(cast(Producer, link), stats_of(link)) as sender:
            await sender.begin(packet())
            with pytest.raises(NotAuthorized):
                await sender.finish(1)

    asyncio.run(main())


def test_leaving_ends_what_is_still_being_sent() -> None:
    async def main() -> None:
        link = Link()
        async with Sender(cast(Producer, link), stats_of(link)) as sender:
            await sender.begin(packet())
            await asyncio.sleep(0)
        assert link.sent == []
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
