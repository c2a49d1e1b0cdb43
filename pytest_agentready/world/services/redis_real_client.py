"""The world's side of one connection to a real Redis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.world import real
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services import redis_keys, redis_scripts
from pytest_agentready.world.services.redis_stores import Client
from pytest_agentready.world.upstream import Upstream

REMEMBERED = 50  # commands


class RealClient(Client):
    """The world's side of one connection. A transaction goes out whole, so that nothing of ours comes into it."""

    def __init__(self, peer: Peer, upstream: Upstream) -> None:
        self.peer = peer
        self.upstream = upstream
        self.database = 0
        self.watches = False
        self._queue: list[list[bytes]] | None = None
        self._logins: list[list[bytes]] = []
        self._keys: dict[tuple[bytes, ...], list[bytes]] = {}  # of the last commands
        if upstream.older:
            (said,) = upstream.ask([b"CLIENT", b"INFO"])
            words = said.decode(errors="replace").split() if isinstance(said, bytes) else []
            self.database = int(next((word[3:] for word in words if word.startswith("db=")), 0))

    def again(self) -> RealClient:
        made = RealClient(self.peer, self.upstream.again())
        if self._logins:
            made.upstream.ask(*self._logins)
        return made

    def keys(self, words: list[bytes]) -> list[bytes]:
        """Those that a command names, as the server understands it."""
        if tuple(words) not in self._keys:
            if len(self._keys) > REMEMBERED:
                self._keys.clear()
            (found,) = self.upstream.ask([b"COMMAND", b"GETKEYS", *words])
            named = found if isinstance(found, list) else [key.encode("utf-8", "surrogateescape") for key in redis_keys.keys(words)]
            self._keys[tuple(words)] = named
        return self._keys[tuple(words)]

    def held(self, keys: Iterable[bytes]) -> dict[bytes, tuple[bytes | None, int]]:
        """Of each key, what DUMP and PTTL say."""
        names = list(keys)
        if not names:
            return {}
        said = self.upstream.ask(*([command, key] for key in names for command in (b"DUMP", b"PTTL")))
        if isinstance(said[0], Exception):
            raise ConnectionAbortedError(f"what a key of the real Redis holds cannot be kept: {said[0]}")
        return {key: (dump, left) for key, dump, left in zip(names, said[::2], said[1::2], strict=True)}

    def say(self, words: list[bytes]) -> Any:
        name = words[0].upper()
        if name == b"MULTI" and self._queue is None:
            self._queue = []
            return b"OK"
        if self._queue is not None and name not in (b"EXEC", b"DISCARD", b"RESET"):
            self._queue.append(words)
            return b"QUEUED"
        if name == b"TIME":
            moment = self.peer.network.time.wall + self.peer.network.time.now
            return [b"%d" % moment, b"%d" % (moment % 1 * 1_000_000)]
        commands = [words]
        if name in (b"EXEC", b"DISCARD") and self._queue is not None:
            commands = [[b"MULTI"], *(self._queue if name == b"EXEC" else ()), words]
            self._queue = None
        found = self.upstream.ask(*map(self._as_of_now, commands))[-1]
        self._regard(name, words, found)
        return found

    def _as_of_now(self, words: list[bytes]) -> list[bytes]:
        """A moment at which something expires, by the server's clock."""
        timeline = self.peer.network.time
        return redis_scripts.shifted(words, real.time() - timeline.wall - timeline.now)

    def _regard(self, name: bytes, words: list[bytes], found: Any) -> None:
        """What the connection is from here on."""
        if isinstance(found, Exception):
            return
        if name == b"SELECT":
            self.database = int(words[1])
        elif name == b"RESET":
            self.database, self.watches, self._queue = 0, False, None
        elif name == b"AUTH" or (name == b"HELLO" and b"AUTH" in [word.upper() for word in words]):
            self._logins.append(words)
        elif name == b"WATCH":
            self.watches = True
        elif name in (b"EXEC", b"UNWATCH", b"DISCARD"):
            self.watches = False
        redis_scripts.learn(words)
