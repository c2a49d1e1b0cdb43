"""MySQL's protocol: the server greets, everybody may log in, statements come as text and are asked of the backend."""

from __future__ import annotations

import re
import struct

from pytest_agentready.domain import sql as text
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services import mysql_wire as wire
from pytest_agentready.world.services.exchange import Exchange
from pytest_agentready.world.services.mysql_log_in import FullLogIn
from pytest_agentready.world.services.sql import Result, Session, SQLExchange, setting_asked_for
from pytest_agentready.world.statements import DatabaseError, Statement

PORTS = (3306,)
SOCKET = re.compile(r"/(?:mysql|mysqld|mariadb)[^/]*\.sock$")  # of this machine
QUIT, INIT_DB, QUERY, STATISTICS, PING, CHANGE_USER, SET_OPTION, RESET = 0x01, 0x02, 0x03, 0x09, 0x0E, 0x11, 0x1B, 0x1F
NO_SUCH_TABLE, UNKNOWN_COMMAND = 1146, 1047
SETTINGS = {
    "version": wire.VERSION,
    "@@version": wire.VERSION,
    "@@version_comment": "MySQL Community Server - GPL",
    "@@transaction_isolation": "REPEATABLE-READ",
    "@@tx_isolation": "REPEATABLE-READ",
    "@@sql_mode": "STRICT_TRANS_TABLES",
    "@@lower_case_table_names": "0",
    "@@max_allowed_packet": "67108864",
    "@@autocommit": "1",
}
SWITCH = re.compile(r"\s*set\s+(?:session\s+|@@(?:session\.)?)?autocommit\s*=\s*(\w+)", re.IGNORECASE)


def to_driver(statement: Statement) -> Result:
    """A setting that the driver asks for, or nothing but OK."""
    name = setting_asked_for(statement.sql)
    if name is None:
        return Result()
    plain = re.sub(r"@@(?:session|global)\.", "@@", name.split(" ")[0])
    return Result((plain,), ((SETTINGS.get(plain, ""),),))


class MySQL:
    """One connection."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.session = Session(peer, "mysql", NO_SUCH_TABLE, to_driver)
        self._buffer = bytearray()
        self._logged_in = False
        self._full_log_in: FullLogIn | None = None
        self._busy = False

    def greet(self) -> None:
        self.peer.write(wire.packet(wire.greeting(), 0))

    def receive(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:  # else an answer is owed first
            self.go_on()

    def go_on(self) -> None:
        self._busy = False
        while not self._busy and not self.peer.closed and len(self._buffer) >= 4:
            length, number = int.from_bytes(self._buffer[:3], "little"), self._buffer[3]
            if len(self._buffer) < length + 4:
                return
            body = bytes(self._buffer[4 : length + 4])
            del self._buffer[: length + 4]
            if self._logged_in:
                self._hear(body)
            elif self._full_log_in is not None:
                self._hear_the_password(self._full_log_in, body, number)
            else:
                self._log_in(body, number)

    @property
    def status(self) -> int:
        return (wire.AUTOCOMMIT if self.session.autocommit else 0) | (wire.IN_TRANSACTION if self.session.status == "T" else 0)

    def _log_in(self, body: bytes, number: int) -> None:
        (flags,) = struct.unpack("<I", body[:4])
        if len(body) == 32 and flags & wire.SSL:
            rest, self._buffer = bytes(self._buffer), bytearray()
            self.peer.begin_tls(rest)
            return
        place = body.index(b"\0", 32) + 1  # behind the user's name
        size, place = body[place], place + 1
        password, place = body[place : place + size], place + size
        if flags & wire.CONNECT_WITH_DB:
            self.session.name = body[place : body.index(b"\0", place)].decode()
        if password and self.peer.asks_for_the_password:
            self._full_log_in = FullLogIn()
            self.peer.write(wire.packet(b"\x01\x04", number + 1))
            return
        if password:  # it is in the server's cache, and right
            self.peer.write(wire.packet(b"\x01\x03", number + 1))
            number += 1
        self._let_in(number + 1)

    def _let_in(self, number: int) -> None:
        self._logged_in = True
        self.peer.write(wire.packet(wire.ok(self.status), number))

    def _hear_the_password(self, log_in: FullLogIn, body: bytes, number: int) -> None:
        """In clear where TLS hides it; otherwise the client asks for a key first, and hides it by that."""
        if body == b"\x02":
            self.peer.write(wire.packet(b"\x01" + log_in.public_key, number + 1))
            return
        self.peer.learn((body if self.peer.is_tls else log_in.password(body)).rstrip(b"\0"), "the database")
        self._let_in(number + 1)

    def _hear(self, body: bytes) -> None:
        command, rest = body[0], body[1:]
        if command == QUIT:
            self.peer.close()
        elif command == QUERY:
            self._query(rest.decode(errors="replace"))
        elif command == PING:
            self._busy = True
            Ping(self)
        elif command in (INIT_DB, SET_OPTION, RESET, CHANGE_USER):
            if command == INIT_DB:
                self.session.name = rest.decode()
            self._say([wire.end(self.status) if command == SET_OPTION else wire.ok(self.status)])
        elif command == STATISTICS:
            self._say([b"Uptime: 1"])
        else:
            self._say([wire.failure(DatabaseError("the world's MySQL does not know this command: use text statements", UNKNOWN_COMMAND))])

    def _say(self, bodies: list[bytes]) -> None:
        self.peer.write(numbered(bodies))

    def _query(self, sql: str) -> None:
        statements = [Statement(each) for each in text.split(sql)] or [Statement(sql)]
        for statement in statements:
            if switch := SWITCH.match(statement.sql):
                self.session.autocommit = switch[1].lower() in ("1", "on", "true")
            if statement.verb == "USE":
                self.session.name = statement.sql.split()[1].strip("`")
        asked = [each for each in statements if not self.session.is_drivers(each.sql)]
        if not asked:
            self.peer.write(self._answer(None, statements))
            return
        self._busy = True
        # A packet of 16 megabytes, which never comes to its end.
        endless = b"\xff\xff\xff\x01", b"x"
        SQLExchange(self.session, asked, encode=lambda exchange: self._answer(exchange, statements), endless=endless, then=self.go_on)

    def _answer(self, exchange: SQLExchange | None, statements: list[Statement]) -> bytes:
        bodies: list[bytes] = []
        for statement in statements:
            found = self.session.carry_out(exchange, statement)
            status = self.status | (wire.MORE_RESULTS if statement is not statements[-1] else 0)
            if isinstance(found, DatabaseError):
                bodies.append(wire.failure(found))
                break
            bodies += wire.result_set(found, status) if found.columns else [wire.ok(status, found.affected, found.identity)]
        return numbered(bodies)


class Ping(Exchange):
    """A tool, or its pool, asks whether the server is there."""

    def __init__(self, mysql: MySQL) -> None:
        self._mysql = mysql
        super().__init__(mysql.peer, method="PING", url=mysql.session.url, body=b"", is_write=False)
        self.note(routed=True, bounded=True)

    def act(self) -> bytes:
        return numbered([wire.ok(self._mysql.status)])

    def endless(self) -> tuple[bytes, bytes]:
        return b"\xff\xff\xff\x01", b"x"

    def answered(self) -> None:
        self._mysql.go_on()


def numbered(bodies: list[bytes]) -> bytes:
    """The packets of one answer, counted from the one of the command on."""
    return b"".join(wire.packet(body, number) for number, body in enumerate(bodies, 1))
