"""A real Redis behind a peer of the world. What a run writes there is undone, key by key, and what expires does so by the world's clock.

Before a command changes a key, what the key holds is kept (DUMP), and put back in the end (RESTORE). Nothing else on that server is
touched: others may use it meanwhile. A key's time to live is shortened by the virtual time that has passed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_agentready.domain import Stored
from pytest_agentready.world import real
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services import redis_scripts
from pytest_agentready.world.services.redis_real_client import RealClient
from pytest_agentready.world.services.redis_stores import Client, Server, writes

# What concerns the whole server, or keys that cannot be known before.
REFUSED = frozenset({
    "FLUSHALL", "FLUSHDB", "SWAPDB", "MOVE", "SHUTDOWN", "REPLICAOF", "SLAVEOF", "FAILOVER", "DEBUG", "MIGRATE", "SAVE", "BGSAVE",
    "BGREWRITEAOF", "MODULE", "PUBLISH", "SPUBLISH",
})  # fmt: skip
# Of these, all but what changes nothing: a script that is loaded is found by its digest, and by nobody who does not know it.
HARMLESS = {
    "ACL": frozenset({"CAT", "DRYRUN", "GENPASS", "GETUSER", "HELP", "LIST", "LOG", "USERS", "WHOAMI"}),
    "CONFIG": frozenset({"GET", "HELP"}),
    "FUNCTION": frozenset({"DUMP", "HELP", "LIST", "STATS"}),
    "SCRIPT": frozenset({"EXISTS", "HELP", "LOAD"}),
}
LISTENING = frozenset({"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR"})  # to what comes unasked
SCRIPTS = frozenset({"EVAL", "EVALSHA", "FCALL"})
LAG = 1.0  # virtual seconds by which the server's clock may be behind
Place = tuple[int, bytes]  # a database, a key


@dataclass(frozen=True, slots=True)
class Kept:
    """What a key held."""

    dump: bytes
    expires_in: float | None  # seconds; None: never
    at: float  # virtual seconds since the run began
    real: float  # seconds of the real monotonic clock


class RealServer(Server):
    """One real Redis, as long as the run."""

    def __init__(self, peer: Peer) -> None:
        super().__init__()
        self._network = peer.network
        self._time = peer.network.time
        self._name = peer.connection.name
        self._clients: list[RealClient] = []
        self._writes: dict[bytes, bool] = {}  # commands that a miniature does not know, by what the server says of them
        self._before: list[dict[Place, Kept | None]] = [{}]  # since the run began, and since each moment to which it is to go back
        self._in_step = (0.0, real.monotonic())  # virtual and real seconds at which the keys expired as they should

    def client(self, peer: Peer) -> RealClient:
        for other in [other for other in self._clients if other.peer.closed]:
            other.upstream.close()
            self._clients.remove(other)
        assert peer.upstream is not None
        made = RealClient(peer, peer.upstream)
        self._clients.append(made)
        return made

    def writes(self, words: list[bytes]) -> bool:
        name = words[0].upper()
        return writes(words) or self._writes.get(name, False)

    def prepare(self, client: Client, commands: list[list[bytes]]) -> str:
        assert isinstance(client, RealClient)
        for words in commands:
            if problem := self._problem(client, words):
                self._network.refused.append(problem)
                return f"{problem} was refused: what cannot be undone is not done there"
            if redis_scripts.asks_the_clock(words):
                self._network.own_clocks.setdefault(self._name)
        self._come_in_step(client)
        self._keep(client, [key for words in commands if self.writes(words) for key in client.keys(words)])
        return ""

    def _problem(self, client: RealClient, words: list[bytes]) -> str:
        if words[0].upper().decode(errors="replace") in LISTENING:
            self._network.unspoken.setdefault(self._name)
            return f"{words[0].decode().upper()} at the real Redis at {self._name}"
        name, *more = (word.upper().decode(errors="replace") for word in words[:3])
        if name in REFUSED or (name in HARMLESS and more and (more[0] not in HARMLESS[name] or more == ["LOG", "RESET"])):
            return f"{name if name in REFUSED else f'{name} {more[0]}'} of the real Redis at {self._name}"
        if name in SCRIPTS and not client.keys(words):
            return f"a script that names no keys (KEYS), for the real Redis at {self._name},"
        if words[0].upper() not in self._writes:
            flags = client.upstream.ask([b"COMMAND", b"INFO", words[0]])[0]
            self._writes[words[0].upper()] = bool(isinstance(flags, list) and flags and flags[0] and b"write" in flags[0][2])
        return ""

    # -- what a key holds

    def contents(self, client: Client, commands: list[list[bytes]]) -> Any:
        assert isinstance(client, RealClient)
        keys = dict.fromkeys(key for words in commands for key in client.keys(words))
        found = client.held(keys)
        return {(client.database, key): (dump, left >= 0) for key, (dump, left) in found.items()}

    def _keep(self, client: RealClient, keys: Iterable[bytes]) -> None:
        """Before they are changed for the first time."""
        new = [key for key in dict.fromkeys(keys) if any((client.database, key) not in before for before in self._before)]
        for key, (dump, left) in client.held(new).items():
            kept = None if dump is None else Kept(dump, left / 1000 if left >= 0 else None, self._time.now, real.monotonic())
            for before in self._before:
                before.setdefault((client.database, key), kept)

    @contextlib.contextmanager
    def put_back(self) -> Iterator[None]:
        before: dict[Place, Kept | None] = {}
        self._before.append(before)
        try:
            yield
        finally:
            self._before.pop()
            with self._time.mutex:
                self._restore(before, lambda kept: self._time.now - kept.at)

    def end(self) -> None:
        """Whatever the run did is undone; the user's own keys have become as old as they are."""
        self._restore(self._before[0], lambda kept: real.monotonic() - kept.real)
        for client in self._clients:
            client.upstream.close()
        self._clients.clear()

    def _restore(self, before: Mapping[Place, Kept | None], age: Any) -> None:
        """What cannot be put back stays changed on the user's server: that is our failure, and is said."""
        for database, places in _by_database(before).items():
            commands = []
            for key in places:
                kept = before[database, key]
                left = None if kept is None or kept.expires_in is None else kept.expires_in - age(kept)
                if kept is None or (left is not None and left <= 0):
                    commands.append([b"DEL", key])
                else:
                    commands.append([b"RESTORE", key, b"%d" % (0 if left is None else left * 1000 + 1), kept.dump, b"REPLACE"])
            try:
                lost = next((said for said in self._in_database(database, commands) if isinstance(said, Exception)), None)
            except (OSError, ValueError) as error:  # it is gone, does not answer, or does not speak as a Redis any more
                lost = error
            if lost is not None:
                self._network.fail(RuntimeError(f"what a run has written to the real Redis at {self._name} cannot be undone: {lost}"))

    # -- time

    def _come_in_step(self, client: RealClient) -> None:
        """Who watches a key would take it for a change."""
        now, clock = self._time.now, real.monotonic()
        lag = now - self._in_step[0] - (clock - self._in_step[1])
        if lag < LAG or any(other.watches for other in self._clients if not other.peer.closed):
            return
        self._in_step = now, clock
        for database, keys in _by_database(self._before[0]).items():
            left = dict(zip(keys, self._in_database(database, [[b"PTTL", key] for key in keys]), strict=True))
            self._in_database(
                database, [[b"PEXPIRE", key, b"%d" % (ms - lag * 1000)] for key, ms in left.items() if isinstance(ms, int) and ms >= 0]
            )

    # -- all that the run has written

    def stored(self) -> Iterator[Stored]:
        with self._time.mutex:
            for database, keys in _by_database(self._before[0]).items():
                asked = self._in_database(database, [[command, key] for key in keys for command in (b"TYPE", b"PTTL")])
                for key, kind, left in zip(keys, asked[::2], asked[1::2], strict=True):
                    yield from self._stored(database, key, kind, expires=left >= 0)

    def _stored(self, database: int, key: bytes, kind: bytes, *, expires: bool) -> Iterator[Stored]:
        name = _text(key)
        if kind == b"string":
            (value,) = self._in_database(database, [[b"GET", key]])
            yield Stored(name, "", _text(value), expires)
        elif kind == b"hash":
            (pairs,) = self._in_database(database, [[b"HGETALL", key]])
            flat = [part for pair in pairs.items() for part in pair] if isinstance(pairs, Mapping) else pairs
            for field, value in zip(flat[::2], flat[1::2], strict=True):
                yield Stored(name, _text(field), _text(value), expires)

    def _in_database(self, database: int, commands: list[list[bytes]]) -> list[Any]:
        if not commands:
            return []
        try:
            return self._said(database, commands)
        except OSError:  # this connection is broken, and another one may not be
            return self._said(database, commands)

    def _said(self, database: int, commands: list[list[bytes]]) -> list[Any]:
        client = next((client for client in self._clients if client.upstream.healthy), None)
        if client is None:
            client = self._clients[-1].again()
            self._clients.append(client)
        there = [[b"SELECT", b"%d" % database]] if client.database != database else []
        back = [[b"SELECT", b"%d" % client.database]] if there else []
        found = client.upstream.ask(*there, *commands, *back)
        return found[len(there) : len(found) - len(back)]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _by_database(places: Iterable[Place]) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for database, key in places:
        found.setdefault(database, []).append(key)
    return found
