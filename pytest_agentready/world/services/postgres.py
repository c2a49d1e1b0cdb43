"""PostgreSQL's protocol, version 3: simple and extended queries, text and binary, asked of the backend.

Everybody may log in. What the driver asks for by itself (SET, SHOW, its look at the catalogue) is no request.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from pytest_agentready.domain import sql as text
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services.postgres_catalogue import SETTINGS, to_driver
from pytest_agentready.world.services.postgres_extended import Extended
from pytest_agentready.world.services.postgres_wire import data_rows, described, failure, message, row_description, tag
from pytest_agentready.world.services.sql import Session, SQLExchange
from pytest_agentready.world.statements import DatabaseError, Statement

VERSION_3, CANCEL, SSL, GSS = 3, 80877102, 80877103, 80877104  # what a first packet may ask for
CLEARTEXT = 3  # the password is wanted as it is
UNDEFINED_TABLE = "42P01"


def speaks(data: bytes) -> bool:
    if len(data) < 8:
        return False
    length, code = struct.unpack("!ii", data[:8])
    return 8 <= length < 10_000 and (code >> 16 == VERSION_3 or code in (CANCEL, SSL, GSS))


class Postgres:
    """One connection."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.session = Session(peer, "postgresql", UNDEFINED_TABLE, to_driver)
        self._buffer = bytearray()
        self._out = bytearray()  # answers that wait for a Sync, a Flush, or an answer of the database
        self._started = False
        self._minor = 0  # of the protocol's version
        self._busy = False
        self.skipping = False  # after an error, until the next Sync
        self._extended = Extended(self)

    # -- messages

    def receive(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:  # else an answer is owed first
            self.go_on()

    def go_on(self) -> None:
        self._busy = False
        while not self._busy and not self.peer.closed:
            if not self._started:
                if not self._start():
                    return
                continue
            if len(self._buffer) < 5:
                return
            (length,) = struct.unpack("!i", self._buffer[1:5])
            if len(self._buffer) < length + 1:
                return
            kind, body = chr(self._buffer[0]), bytes(self._buffer[5 : length + 1])
            del self._buffer[: length + 1]
            self._hear(kind, body)

    def _start(self) -> bool:
        """One packet before the log-in is done; False where it has not come whole."""
        if len(self._buffer) < 8:
            return False
        length, code = struct.unpack("!ii", self._buffer[:8])
        if len(self._buffer) < length:
            return False
        body = bytes(self._buffer[8:length])
        del self._buffer[:length]
        if code == SSL:
            self.peer.write(b"S")
            rest, self._buffer = bytes(self._buffer), bytearray()
            self.peer.begin_tls(rest)
            return False
        if code == GSS:
            self.peer.write(b"N")
        elif code == CANCEL:
            self.peer.close()
        else:
            words = body.split(b"\0")
            given = dict(zip(words[::2], words[1::2], strict=False))
            self.session.name = given.get(b"database", given.get(b"user", b"")).decode()
            self._started = True
            self._minor = code & 0xFFFF
            if self.peer.asks_for_the_password:
                self.say(b"R", struct.pack("!i", CLEARTEXT))
                self._flush()
            else:
                self._welcome(self._minor)
        return True

    def _welcome(self, minor: int) -> None:
        if minor:  # 3.2, say: 3.0 is what is spoken here
            self.say(b"v", struct.pack("!ii", 3 << 16, 0))
        self.say(b"R", struct.pack("!i", 0))
        for name, value in SETTINGS.items():
            self.say(b"S", f"{name}\0{value}\0".encode())
        self.say(b"K", struct.pack("!ii", 4711, 815))
        self._ready()

    def say(self, kind: bytes, body: bytes = b"") -> None:
        self._out += message(kind, body)

    def _flush(self) -> None:
        if self._out:
            self.peer.write(bytes(self._out))
            self._out.clear()

    def _ready(self) -> None:
        self.say(b"Z", self.session.status.encode())
        self._flush()

    def _hear(self, kind: str, body: bytes) -> None:
        if kind == "p":
            self.peer.learn(body.rstrip(b"\0"), "the database")
            self._welcome(self._minor)
        elif kind == "S":
            self.skipping = False
            self._ready()
        elif kind == "X":
            self.peer.close()
        elif kind == "H":
            self._flush()
        elif not self.skipping:
            if kind == "Q":
                self._query(body)
            else:
                self._extended.hear(kind, body)

    def keep(self, said: bytes) -> None:
        """For the next Sync, Flush, or answer of the database."""
        self._out += said

    def take_out(self) -> bytes:
        """What has been kept for the next answer."""
        said = bytes(self._out)
        self._out.clear()
        return said

    def fail(self, error: DatabaseError) -> None:
        self._out += failure(error)
        self.skipping = True

    def exchange(self, statements: list[Statement], encode: Callable[[SQLExchange], bytes]) -> None:
        """Ask the database; what comes meanwhile has to wait."""
        self._busy = True
        # Where the answer never ends, it is a row of a million bytes.
        SQLExchange(self.session, statements, encode=encode, endless=(b"D" + struct.pack("!i", 1_000_000), b"\0"), then=self.go_on)

    # -- the simple way

    def _query(self, body: bytes) -> None:
        statements = [Statement(each) for each in text.split(body.rstrip(b"\0").decode())]
        asked = [each for each in statements if not self.session.is_drivers(each.sql)]
        if not statements:
            self.say(b"I")
            self._ready()
        elif not asked:
            self.peer.write(self._simply(None, statements))
        else:
            self.exchange(asked, lambda exchange: self._simply(exchange, statements))

    def _simply(self, exchange: SQLExchange | None, statements: list[Statement]) -> bytes:
        said = bytearray(self.take_out())
        for statement in statements:
            found = self.session.carry_out(exchange, statement)
            if isinstance(found, DatabaseError):
                said += failure(found)
                break
            columns = described(found)
            said += (message(b"T", row_description(columns, [0])) if columns else b"") + b"".join(data_rows(found, columns, [0]))
            said += message(b"C", tag(statement, found))
        return bytes(said + message(b"Z", self.session.status.encode()))
