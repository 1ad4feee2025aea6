"""A network link to a real node, with faults on demand: long, narrow, cut, frozen, or gone on one side only."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from pulsar_cam.node import NodeState
from pulsar_cam.pulsar.endpoint import Endpoint

_CHUNK = 32768
_DEEPEST_QUEUE = 1024  # chunks on their way at once; a narrow link has only a few


class Link:
    """Forwards TCP connections from a port of its own to a node.

    Attributes:
        delay_s: how long a byte takes each way, in seconds.
        bytes_per_s: how many bytes each direction of a connection takes in a second; None for any number.
    """

    def __init__(self, node: NodeState) -> None:
        self._node = node
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._answering = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pairs: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}
        self._ghosts: list[asyncio.StreamWriter] = []
        self._accepting = True
        self.port = 0
        self.delay_s = 0.0
        self.bytes_per_s: float | None = None

    @property
    def endpoint(self) -> Endpoint:
        """The node as seen through the link."""
        return Endpoint.of(f"http://127.0.0.1:{self.port}")

    def cut(self) -> None:
        """Break every connection now; new ones are refused until `mend`."""
        self._call(self._cut)

    def mend(self) -> None:
        """Take new connections again."""
        self._call(self._mend)

    def abandon(self) -> None:
        """Break every connection on our side only: the node does not notice, and goes on to hold its end."""
        self._call(self._abandon)

    def bury(self) -> None:
        """Let the node notice at last that the abandoned connections are gone."""
        self._call(self._bury)

    def hold_answers(self) -> None:
        """Hold back every byte from the node, until `thaw`; what is sent to it still arrives."""
        self._call(self._answering.clear)

    def freeze(self) -> None:
        """Hold back every byte in both directions, with all connections open, until `thaw`."""
        self._call(self._flowing.clear)

    def thaw(self) -> None:
        """Let the bytes go on."""
        self._call(self._flowing.set)
        self._call(self._answering.set)

    def _call(self, action: object) -> None:
        async def act() -> None:
            assert callable(action)
            action()

        asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)

    def _cut(self) -> None:
        self._accepting = False
        for writer in self._writers:
            writer.transport.abort()

    def _abandon(self) -> None:
        for task, (near, far) in self._pairs.items():
            self._ghosts.append(far)
            near.transport.abort()
            task.cancel()

    def _bury(self) -> None:
        for ghost in self._ghosts:
            ghost.transport.abort()
        self._ghosts.clear()

    def _mend(self) -> None:
        self._accepting = True

    async def _serve(self) -> None:
        self._flowing.set()
        self._answering.set()
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._server = server

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._accepting:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._node.http_port)
        except (OSError, asyncio.CancelledError):  # the node is down, or the link ends
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task
        self._pairs[task] = (writer, far_writer)
        self._writers |= {writer, far_writer}
        # Python 3.11's streams cannot have this task end as cancelled.
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(
                    self._pump(reader, far_writer, self._flowing), self._pump(far_reader, writer, self._answering)
                )
        finally:
            del self._pairs[task]
            self._writers -= {writer, far_writer}
            for each in (writer, far_writer):
                if each not in self._ghosts:
                    each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event) -> None:
        on_their_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_DEEPEST_QUEUE)
        taking = asyncio.create_task(self._take(reader, on_their_way, flowing))
        giving = asyncio.create_task(self._give(on_their_way, writer))
        try:
            await asyncio.wait([taking, giving], return_when=asyncio.FIRST_COMPLETED)
            taking.cancel()
            await asyncio.gather(taking, giving, return_exceptions=True)
            writer.close()
        finally:
            taking.cancel()
            giving.cancel()

    async def _take(
        self, reader: asyncio.StreamReader, on_their_way: asyncio.Queue[tuple[float, bytes]], flowing: asyncio.Event
    ) -> None:
        data = b"some"
        while data:
            with contextlib.suppress(OSError):
                data = b""
                data = await reader.read(_CHUNK)
            await self._flowing.wait()
            await flowing.wait()
            if self.bytes_per_s:
                await asyncio.sleep(len(data) / self.bytes_per_s)
            await on_their_way.put((self._loop.time() + self.delay_s, data))

    async def _give(self, on_their_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due_s, data = await on_their_way.get()
            if not data:
                return
            await asyncio.sleep(max(0.0, due_s - self._loop.time()))
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()

    async def _end(self) -> None:
        self._server.close()
        self._accepting = False  # of a connection just taken, the task begins after those that are ended here
        self._bury()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # an aborted connection closes its socket a little later


@contextlib.contextmanager
def link_to(node: NodeState) -> Iterator[Link]:
    """Give a link to a node, on an event loop in a thread of its own."""
    link = Link(node)
    thread = threading.Thread(target=link._loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(link._serve(), link._loop).result(10)
        yield link
    finally:
        asyncio.run_coroutine_threadsafe(link._end(), link._loop).result(10)
        link._loop.call_soon_threadsafe(link._loop.stop)
        thread.join(10)
        link._loop.close()
