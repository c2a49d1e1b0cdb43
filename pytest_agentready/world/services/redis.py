"""Redis, as its clients speak to it: command by command, each of which can be held back, lost, or answered badly."""

from __future__ import annotations

from typing import Any

from pytest_agentready.world import resp
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services import redis_growth, redis_keys
from pytest_agentready.world.services.exchange import Exchange
from pytest_agentready.world.services.redis_real import RealServer
from pytest_agentready.world.services.redis_stores import Miniature, Server, patience

# The handshake, and what a connection says about itself: never a request.
HANDSHAKE = frozenset({"HELLO", "AUTH", "SELECT", "CLIENT", "READONLY", "READWRITE", "RESET", "QUIT", "COMMAND", "ASKING"})


def speaks(data: bytes) -> bool:
    return data[:1] == b"*" and data[1:2].isdigit()


class Redis:
    """One connection. Commands are answered in their order; those between MULTI and EXEC are one request."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.server = _server_of(peer)
        self.client = self.server.client(peer)
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
        except OSError:  # a real server is gone
            self.peer.reset()

    def go_on(self) -> None:
        self._busy = False
        while not self._busy and not self.peer.closed and (words := resp.command(self._buffer)) is not None:
            if words:
                self._hear(words)

    def _hear(self, words: list[bytes]) -> None:
        name = words[0].upper().decode(errors="replace")
        if name == "EXEC" and self._queued is not None:
            commands, self._queued = [*self._queued, words], None
            self._request(name, commands, any(self.server.writes(command) for command in commands))
        elif self._queued is not None or name == "MULTI":
            self._queued = None if name == "DISCARD" else [*(self._queued or []), words]
            self.peer.write(resp.reply(self.client.say(words), self.version))
        elif name in HANDSHAKE:
            self.peer.write(resp.reply(self._shake_hands(name, words), self.version))
            if name == "QUIT":
                self.peer.close()
        else:
            self._request(name, [words], self.server.writes(words))

    def _request(self, name: str, commands: list[list[bytes]], is_write: bool) -> None:
        self._busy = True
        shown = commands[1:-1] if name == "EXEC" else commands
        body = b"\n".join(b" ".join(words) for words in shown)
        CommandExchange(self, commands[-1], shown, method=name, url=self.url, body=body, is_write=is_write)

    def _shake_hands(self, name: str, words: list[bytes]) -> Any:
        if name == "AUTH" and len(words) > 1:
            self.peer.learn(words[-1], "Redis")
        elif name == "HELLO" and (given := [word.upper() for word in words]).count(b"AUTH") and given.index(b"AUTH") + 2 < len(words):
            self.peer.learn(words[given.index(b"AUTH") + 2], "Redis")
        said = b"OK" if name == "QUIT" else self.client.greet(words)
        if name == "HELLO" and not isinstance(said, Exception):
            self.version = 3 if isinstance(said, dict) else 2
        return said


def _server_of(peer: Peer) -> Server:
    """The one at the other end of this connection; a real one, where the connection leads to it."""
    servers: dict[tuple[str, int], Server] = peer.network.memory.setdefault("redis", {})
    place = peer.host, peer.port
    if place not in servers:
        servers[place] = Miniature(peer) if peer.upstream is None else RealServer(peer)
    return servers[place]


class CommandExchange(Exchange):
    """One command, or one whole transaction."""

    def __init__(self, redis: Redis, words: list[bytes], shown: list[list[bytes]], **record: Any) -> None:
        self._redis = redis
        self._words = words
        self._shown = shown  # of a transaction: its commands
        places = tuple(dict.fromkeys(key for words in shown if redis.server.writes(words) for key in redis_keys.keys(words)))
        super().__init__(redis.peer, places=places, routed=True, **record)  # a Redis needs no route: an empty one is one, too

    def act(self) -> bytes:
        found = self._carried_out()
        self._redis.server.stir()
        return self._reply(found)

    def _carried_out(self) -> Any:
        """The answer; and whether the server is what it was."""
        try:
            return self._said()
        except OSError:  # a real server is gone
            self.peer.reset()
            return resp.NOTHING

    def _said(self) -> Any:
        server, client = self._redis.server, self._redis.client
        if problem := server.prepare(client, self._shown):
            if self._words not in self._shown:
                client.say([b"DISCARD"])
            return ValueError(f"ERR {problem}")
        writing = [words for words in self._shown if server.writes(words)]
        if not writing:
            return client.say_without_waiting(self._words)
        before = server.contents(client, writing)
        found = client.say_without_waiting(self._words)
        self.note(changed=redis_keys.tells_others(writing) or server.contents(client, writing) != before)
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
        if patience(self._words) is None:
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
        seconds = patience(self._words)
        if seconds is None:
            super().send_normal()
        elif not self._arrived():
            self._redis.server.waiting.append(self._arrived)
            if seconds:
                self.network.time.at(seconds, self._give_up)

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
