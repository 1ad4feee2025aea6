"""Messages that are too large to be read, cut down to their beginning, in which their id is."""

from __future__ import annotations

from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import Opcode

from ..messages.wire import MAX_TEXT_BYTES

_BEGINNING_BYTES = 1024
_HEADERS_END = b"\r\n\r\n"
_SWITCHED = b"HTTP/1.1 101 "


class Cut:
    """Takes the bytes of a session as they come, and passes them on without the rest of what is too large.

    `websockets` would end the session at the header of such a frame. Then nothing could be acknowledged, and the node
    would deliver the same again, for ever.

    Format: the frames of RFC 6455, section 5.2.

    Attributes:
        message_bytes: what came of messages so far, without pings and the like.
    """

    def __init__(self) -> None:
        self.message_bytes = 0
        self._opening: bytearray | None = bytearray()
        self._header = bytearray()
        self._frame_left = 0
        self._passed_left = 0
        self._is_control = False
        self._message_length = 0

    def passed(self, data: bytes) -> bytes:
        """Return what is passed on of the next bytes."""
        start = self._skip_handshake(data) if self._opening is not None else 0
        pieces: list[bytes | memoryview] = [memoryview(data)[:start]]
        rest = memoryview(data)[start:]
        while rest:
            if self._frame_left:
                piece, rest = rest[: self._frame_left], rest[self._frame_left :]
                pieces.append(self._take(piece))
            else:
                needed = self._header_bytes - len(self._header)
                self._header += rest[:needed]
                rest = rest[needed:]
                if len(self._header) == self._header_bytes:
                    pieces.append(self._begin_frame())
        return b"".join(pieces)

    def _skip_handshake(self, data: bytes) -> int:
        """Return where the frames begin: behind the handshake, and nowhere if that was refused."""
        assert self._opening is not None
        before = len(self._opening)
        self._opening += data
        end = self._opening.find(_HEADERS_END, max(0, before - len(_HEADERS_END)))
        if end < 0 or not self._opening.startswith(_SWITCHED):
            return len(data)
        self._opening = None
        return end + len(_HEADERS_END) - before

    @property
    def _header_bytes(self) -> int:
        """How long the header is, by what has come of it."""
        length = self._header[1] & 0x7F if len(self._header) > 1 else 0
        return {126: 4, 127: 10}.get(length, 2)

    def _begin_frame(self) -> bytes:
        """Return the header to pass on, which says how much of the frame is passed on."""
        header, self._header = bytes(self._header), bytearray()
        length = int.from_bytes(header[2:]) if len(header) > 2 else header[1] & 0x7F
        opcode = header[0] & 0x0F
        self._is_control = opcode >= Opcode.CLOSE
        self._frame_left = self._passed_left = length
        if self._is_control:
            return header
        is_continued = opcode == Opcode.CONT
        self._message_length = length + (self._message_length if is_continued else 0)
        if self._message_length <= MAX_TEXT_BYTES:
            return header
        self._passed_left = 0 if is_continued else _BEGINNING_BYTES
        return bytes([header[0], 126]) + self._passed_left.to_bytes(2)

    def _take(self, piece: memoryview) -> memoryview:
        if not self._is_control:
            self.message_bytes += len(piece)
        passed = piece[: self._passed_left]
        self._frame_left -= len(piece)
        self._passed_left -= len(passed)
        return passed


class CutConnection(ClientConnection):
    """A connection on which a message of more than MAX_TEXT_BYTES arrives as its beginning."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cut = Cut()

    def data_received(self, data: bytes) -> None:
        """Take what came from the network."""
        super().data_received(self.cut.passed(data))
