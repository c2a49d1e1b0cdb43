"""WebSocket: the upgrade is an HTTP request, and then every message is one, answered by the backend.

What the server says by itself, after the upgrade, is the answer to a request that is called LISTEN.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping, Sequence

from pytest_agentready.world import inflation
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services.exchange import Exchange
from pytest_agentready.world.streams import Message, Stream

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
SOON = 0.02  # virtual seconds after its last word that a server which has no more to say takes its leave
NORMAL_END = struct.pack("!H", 1000)
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455's


def is_asked_for(headers: Mapping[str, str]) -> bool:
    return headers.get("upgrade", "").lower() == "websocket" and "sec-websocket-key" in headers


def agreement(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the answer says to agree to the upgrade: without extensions, and with the first subprotocol that is offered."""
    digest = hashlib.sha1((headers["sec-websocket-key"] + MAGIC).encode()).digest()
    said = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", base64.b64encode(digest).decode())]
    offered = headers.get("sec-websocket-protocol", "").split(",")[0].strip()
    return said + ([("Sec-WebSocket-Protocol", offered)] if offered else [])


class WebSocket:
    """One connection after its upgrade."""

    def __init__(self, peer: Peer, url: str, stream: Stream) -> None:
        self.peer = peer
        self.url = url
        self.stream = stream
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._kind = TEXT
        self._busy = False
        self._leaving = False  # the server has taken its leave

    def begin(self) -> None:
        if self.stream.messages is not None:
            self._busy = True
            MessageExchange(self, None)

    def take_leave_soon(self) -> None:
        """Not in one breath with the last word: a client that has heard enough is then the first to close, or shows that it does not."""

        def take_leave() -> None:
            if not self.peer.closed and not self.peer.network.farewells_held:
                self._leaving = True
                self.peer.write(frame(CLOSE, NORMAL_END))

        self.peer.network.time.at(SOON, take_leave)

    def receive(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:
            self.go_on()

    def _hear(self, final: bool, kind: int, payload: bytes) -> None:
        if kind == PING:
            self.peer.write(frame(PONG, payload))
        elif kind == CLOSE:
            if not self._leaving:
                self.peer.write(frame(CLOSE, payload[:2]))
            self.peer.close()
        elif kind in (CONTINUED, TEXT, BINARY):
            self._kind = kind or self._kind
            self._parts.append(payload)
            if final:
                whole, self._parts = b"".join(self._parts), []
                self._busy = True
                MessageExchange(self, whole.decode() if self._kind == TEXT else whole)

    def go_on(self) -> None:
        """What comes while an answer is owed waits for it, pings too."""
        self._busy = False
        while not self._busy and not self.peer.closed and (found := frame_in(self._buffer)) is not None:
            self._hear(*found)


class MessageExchange(Exchange):
    """One message of the client, or its wish to listen, and all that is said to it."""

    def __init__(self, websocket: WebSocket, message: Message | None) -> None:
        self._websocket = websocket
        self._message = message
        body = message.encode() if isinstance(message, str) else message or b""
        method = "LISTEN" if message is None else "SEND"
        super().__init__(websocket.peer, method=method, url=websocket.url, body=body, is_write=message is not None)
        self.note(routed=True)

    def act(self) -> bytes:
        return b"".join(self._frames())

    def _frames(self) -> list[bytes]:
        stream, message = self._websocket.stream, self._message
        if message is None:
            return [*map(written, self._sized(stream.messages or ()))]
        none: list[Message] = []
        replies = self.network.ask(lambda: stream.replies(message), lambda _: none)
        self.note(bounded=not replies)  # nothing comes back
        return [written(each) for each in self._sized(replies)]

    def _sized(self, messages: Sequence[Message]) -> Sequence[Message]:
        """As they are, or grown where this answer is to be huge."""
        huge = inflation.inflated_messages(messages, self.growth) if self.growth else None
        self.grown = huge is not None
        return messages if huge is None else huge

    def send_half(self) -> None:
        """Of the first message: those before it would be whole answers."""
        self.commit()
        self.peer.write(b"\x81\x7e\x10\x00{")  # the beginning of four kilobytes

    def endless(self) -> tuple[bytes, bytes]:
        return bytes([0x80 | TEXT, 127]) + struct.pack("!Q", 1_000_000), b" "

    def answered(self) -> None:
        if self._message is None:
            self._websocket.take_leave_soon()
        self._websocket.go_on()


def written(message: Message) -> bytes:
    return frame(TEXT, message.encode()) if isinstance(message, str) else frame(BINARY, message)


def frame(kind: int, payload: bytes) -> bytes:
    """A server's frame: whole, and not masked."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size) if size < 1 << 16 else b"\x7f" + struct.pack("!Q", size)
    return bytes([0x80 | kind]) + length + payload


def frame_in(buffer: bytearray) -> tuple[bool, int, bytes] | None:
    """Take one frame out of the buffer: is it the last of its message, its kind, its payload; None where it has not come whole."""
    if len(buffer) < 2:
        return None
    final, kind, masked, size = bool(buffer[0] & 0x80), buffer[0] & 0x0F, buffer[1] & 0x80, buffer[1] & 0x7F
    place = 2
    for mark, form, width in ((126, "!H", 2), (127, "!Q", 8)):
        if size == mark:
            if len(buffer) < place + width:
                return None
            (size,) = struct.unpack(form, buffer[place : place + width])
            place += width
            break
    key = bytes(buffer[place : place + 4]) if masked else bytes(4)
    place += 4 if masked else 0
    if len(buffer) < place + size:
        return None
    payload = bytes(byte ^ key[index % 4] for index, byte in enumerate(buffer[place : place + size]))
    del buffer[: place + size]
    return final, kind, payload
