"""Redis: a real one in miniature (fakeredis) answers, one for each host and port, with contents of its own in every run."""

from __future__ import annotations

import contextlib
import queue
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_agentready.world.services import redis_growth, redis_keys, resp
from pytest_agentready.world.services.exchange import Exchange

if TYPE_CHECKING:
    from pytest_agentready.world.peer import Peer

# The handshake, and what a connection says about itself: never a request.
HANDSHAKE = frozenset({"HELLO", "AUTH", "SELECT", "CLIENT", "READONLY", "READWRITE", "RESET", "QUIT", "COMMAND", "ASKING"})
# They have no write flag, for it is their script, or their listeners, that decide: what they do cannot be taken back either.
ALSO_WRITES = frozenset({"EVAL", "EVALSHA", "FCALL", "PUBLISH", "SPUBLISH"})
# Commands that wait, and where their patience stands among their words; that of XREAD stands behind BLOCK.
WAITING = {"BLPOP": -1, "BRPOP": -1, "BRPOPLPUSH": -1, "BLMOVE": -1, "BZPOPMIN": -1, "BZPOPMAX": -1, "BLMPOP": 1, "BZMPOP": 1}
INFO = (
    b"# Server\r\nredis_version:8.0.0\r\nredis_mode:standalone\r\nuptime_in_seconds:86400\r\n"
    b"# Clients\r\nconnected_clients:1\r\n# Memory\r\nused_memory:1048576\r\nmaxmemory:0\r\n# Replication\r\nrole:master\r\n"
)
OWN: dict[bytes, Any] = {b"INFO": INFO, b"CONFIG": {}}  # what fakeredis does not answer, and those ask who look whether it is well
CODE = re.compile(r"[A-Z]{3,} ")  # with which an error reply begins: WRONGTYPE Operation against ...


def speaks(data: bytes) -> bool:
    return data[:1] == b"*" and data[1:2].isdigit()


class Server:
    """One Redis, as long as the run."""

    def __init__(self, peer: Peer) -> None:
        import fakeredis

        self.server = fakeredis.FakeServer()
        self.waiting: list[Callable[[], bool]] = []  # commands that wait for what another connection may bring
        for store in peer.network.backend.stores(peer.host, peer.port):
            client = self.client()
            client.say([b"SELECT", str(store.number).encode()])
            for words in store.commands():
                client.say(words)

    def client(self) -> Client:
        import fakeredis

        return Client(fakeredis.FakeRedisConnection(server=self.server, protocol=2))

    @classmethod
    def of(cls, peer: Peer) -> Server:
        servers = peer.network.memory.setdefault("redis", {})
        place = peer.host, peer.port
        if place not in servers:
            servers[place] = cls(peer)
        return servers[place]  # type: ignore[no-any-return]

    def stir(self) -> None:
        """Something has changed: a command that waits may have got what it waits for."""
        self.waiting = [look for look in self.waiting if not look()]


class Client:
    """The server's side of one connection: its database, its transaction, its version of the protocol."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection  # which closes its socket when it is collected
        self._socket = connection.get_socket()

    def say(self, words: list[bytes]) -> Any:
        """One command, and its reply as a value; an error reply is an exception."""
        self._socket.sendall(resp.packed(words))
        return _with_its_code(self._reply())

    def say_without_waiting(self, words: list[bytes]) -> Any:
        if words[0].upper() in OWN:
            return OWN[words[0].upper()]
        if _patience(words) is None:
            return self.say(words)
        self.say([b"MULTI"])  # within a transaction nothing waits
        self.say(words)
        found = self.say([b"EXEC"])
        return found[0] if isinstance(found, list) else found

    def _reply(self) -> Any:
        replies = [resp.NOTHING]  # CLIENT REPLY OFF
        with contextlib.suppress(queue.Empty):
            replies = [self._socket.responses.get_nowait()]
            while True:  # one for each channel of a SUBSCRIBE
                self._socket.responses.get_nowait()
        return replies[0]


class Redis:
    """One connection. Commands are answered in their order; those between MULTI and EXEC are one request."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.server = Server.of(peer)
        self.client = self.server.client()
        self.version = 2
        self._buffer = bytearray()
        self._queued: list[list[bytes]] | None = None
        self._busy = False

    @property
    def url(self) -> str:
        return f"redis://{self.peer.connection.name}"

    def receive(self, data: bytes) -> None:
        self._buffer += data
        if self._busy:  # an answer is owed first
            return
        try:
            self.go_on()
        except resp.ProtocolError as problem:
            self.peer.write(resp.reply(ValueError(f"ERR Protocol error: {problem}")))
            self.peer.close()

    def go_on(self) -> None:
        self._busy = False
        while not self._busy and not self.peer.closed and (words := resp.command(self._buffer)) is not None:
            if words:
                self._hear(words)

    def _hear(self, words: list[bytes]) -> None:
        name = words[0].upper().decode(errors="replace")
        if name == "EXEC" and self._queued is not None:
            commands, self._queued = [*self._queued, words], None
            self._request(name, commands, any(writes(command) for command in commands))
        elif self._queued is not None or name == "MULTI":
            self._queued = None if name == "DISCARD" else [*(self._queued or []), words]
            self.peer.write(resp.reply(self.client.say(words), self.version))
        elif name in HANDSHAKE:
            self.peer.write(resp.reply(self._shake_hands(name, words), self.version))
            if name == "QUIT":
                self.peer.close()
        else:
            self._request(name, [words], writes(words))

    def _request(self, name: str, commands: list[list[bytes]], is_write: bool) -> None:
        self._busy = True
        shown = commands[1:-1] if name == "EXEC" else commands
        body = b"\n".join(b" ".join(words) for words in shown)
        CommandExchange(self, commands[-1], shown, method=name, url=self.url, body=body, is_write=is_write)

    def _shake_hands(self, name: str, words: list[bytes]) -> Any:
        """Every password is right."""
        if name == "AUTH" and len(words) > 1:
            self.peer.learn(words[-1], "Redis")
        elif name == "HELLO" and (given := [word.upper() for word in words]).count(b"AUTH") and given.index(b"AUTH") + 2 < len(words):
            self.peer.learn(words[given.index(b"AUTH") + 2], "Redis")
        if name in ("AUTH", "QUIT"):
            return b"OK"
        said = self.client.say(words[:2] if name == "HELLO" else words)
        if name == "HELLO" and isinstance(said, dict):
            self.version = said["proto"]
        elif name == "HELLO" and isinstance(said, list):
            self.version = 2
        return said


class CommandExchange(Exchange):
    """One command, or one whole transaction."""

    def __init__(self, redis: Redis, words: list[bytes], shown: list[list[bytes]], **record: Any) -> None:
        self._redis = redis
        self._words = words
        self._shown = shown  # of a transaction: its commands
        super().__init__(redis.peer, **record)
        places = tuple(dict.fromkeys(key for words in shown if writes(words) for key in redis_keys.keys(words)))
        self.note(places=places, routed=True)  # a Redis needs no route: an empty one is one, too

    def act(self) -> bytes:
        found = self._carried_out()
        self._redis.server.stir()
        return self._reply(found)

    def _carried_out(self) -> Any:
        """The answer; and whether the server is what it was."""
        writing = [words for words in self._shown if writes(words)]
        if not writing:
            return self._redis.client.say_without_waiting(self._words)
        server = self._redis.server.server
        before = redis_keys.contents(server, writing)
        found = self._redis.client.say_without_waiting(self._words)
        self.note(changed=redis_keys.tells_others(writing) or redis_keys.contents(server, writing) != before)
        return found

    def _reply(self, found: Any) -> bytes:
        """As it is, or grown where this answer is to be huge."""
        several = self._words not in self._shown and isinstance(found, list)
        if self.network.order is not None and not several:
            found = self.network.order.of_reply(self._words, found)
        pairs = list(zip(self._shown, found if several else [found], strict=False))
        self.note(bounded=all(redis_growth.is_bounded(*pair) for pair in pairs))
        if self.growth:
            grown = [redis_growth.grown(words, value, self.growth) for words, value in pairs]
            self.grown = any(each is not None for each in grown)
            values = [value if each is None else each for each, (_, value) in zip(grown, pairs, strict=True)]
            found = values if several else values[0] if values else found
        return resp.reply(found, self._redis.version)

    def send_huge(self, size: int) -> bool:
        if _patience(self._words) is None:
            return super().send_huge(size)
        self.growth = size  # once it comes
        return False

    def refuse(self) -> bool:
        if self._words not in self._shown:  # EXEC, which ends the transaction all the same
            self._redis.client.say([b"DISCARD"])
        self._answer = resp.reply(ValueError("ERR the server cannot carry out this command now"), self._redis.version)
        super().send_normal()
        return True

    def send_normal(self) -> None:
        patience = _patience(self._words)
        if patience is None:
            super().send_normal()
        elif not self._arrived():
            self._redis.server.waiting.append(self._arrived)
            if patience:
                self.network.time.at(patience, self._give_up)

    def _arrived(self) -> bool:
        """Has a command that waits its answer now, or need nobody look any more?"""
        if self._answer is None and not self.peer.closed:
            found = self._carried_out()
            if found is None or found == []:
                return False
            self._answer = self._reply(found)
            if self.grown:
                self.network.fire(self.peer.host)
            self.note(committed=True)
            super().send_normal()
        return True

    def _give_up(self) -> None:
        if self._answer is None and not self.peer.closed:
            super().send_normal()

    def endless(self) -> tuple[bytes, bytes]:
        return b"$1000000\r\n", b"x"

    def answered(self) -> None:
        self._redis.go_on()


def writes(words: list[bytes]) -> bool:
    from fakeredis.model import is_write_command

    return words[0].upper().decode(errors="replace") in ALSO_WRITES or bool(is_write_command(words[0].lower()))


def _patience(words: list[bytes]) -> float | None:
    """Seconds that a command waits at most, 0 for ever; None where it does not wait."""
    upper = [word.upper() for word in words]
    with contextlib.suppress(ValueError, IndexError):
        if upper[0].decode() in WAITING:
            return float(words[WAITING[upper[0].decode()]])
        if upper[0] in (b"XREAD", b"XREADGROUP") and b"BLOCK" in upper:
            return float(words[upper.index(b"BLOCK") + 1]) / 1000
    return None


def _with_its_code(value: Any) -> Any:
    """redis-py's exceptions have lost the code that an error reply begins with."""
    if not isinstance(value, Exception):
        return [_with_its_code(item) for item in value] if isinstance(value, list) else value
    code = getattr(value, "status_code", None)
    return ValueError(f"{code} {value}" if code else str(value) if CODE.match(str(value)) else f"ERR {value}")
