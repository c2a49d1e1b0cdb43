"""What answers behind a Redis of the world: one in miniature (fakeredis) for each host and port, as new in every run."""

from __future__ import annotations

import contextlib
import queue
import re
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.domain import Stored
from pytest_agentready.world import resp
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services import redis_keys, redis_sentinel

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


class Client(ABC):
    """The server's side of one connection: its database, its transaction, its version of the protocol."""

    @abstractmethod
    def say(self, words: list[bytes]) -> Any:
        """One command, and its reply as a value; an error reply is an exception. Raises OSError where a real server is gone."""

    def greet(self, words: list[bytes]) -> Any:
        """As `say`, for what a connection says about itself."""
        return self.say(words)

    def say_without_waiting(self, words: list[bytes]) -> Any:
        if patience(words) is None:
            return self.say(words)
        self.say([b"MULTI"])  # within a transaction nothing waits
        self.say(words)
        found = self.say([b"EXEC"])
        return found[0] if isinstance(found, list) else found


class Server(ABC):
    """One Redis, as long as the run."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], bool]] = []  # commands that wait for what another connection may bring

    def stir(self) -> None:
        """Something has changed: a command that waits may have got what it waits for."""
        self.waiting = [look for look in self.waiting if not look()]

    @abstractmethod
    def client(self, peer: Peer) -> Client:
        """Its side of a new connection."""

    def writes(self, words: list[bytes]) -> bool:
        return writes(words)

    def prepare(self, client: Client, commands: list[list[bytes]]) -> str:
        """Before these commands, which may be a transaction; gives the reason why they must not be carried out, if there is one."""
        return ""

    @abstractmethod
    def contents(self, client: Client, commands: list[list[bytes]]) -> Any:
        """What these commands may change, to be compared. That a key which expires expires later is no change."""

    @abstractmethod
    def put_back(self) -> contextlib.AbstractContextManager[None]:
        """Afterwards it holds what it held, for as long as it would have held it."""

    @abstractmethod
    def stored(self) -> Iterator[Stored]:
        """Each of its keys that holds a text or a number; of a hash each of its fields."""

    def end(self) -> None:  # noqa: B027  (most have nothing to let go of)
        """The run is over."""


class Miniature(Server):
    """One that begins with the contents that the backend gives it."""

    def __init__(self, peer: Peer) -> None:
        import fakeredis

        super().__init__()
        self._fake = fakeredis.FakeServer()
        self._clients: weakref.WeakSet[InMiniature] = weakref.WeakSet()
        for store in peer.network.backend.stores(peer.host, peer.port):
            client = self.client(peer)
            client.say([b"SELECT", str(store.number).encode()])
            for words in store.commands():
                client.say(words)

    def client(self, peer: Peer) -> InMiniature:
        import fakeredis

        made = InMiniature(fakeredis.FakeRedisConnection(server=self._fake, protocol=2), peer)
        self._clients.add(made)
        return made

    def contents(self, client: Client, commands: list[list[bytes]]) -> Any:
        return redis_keys.contents(self._fake, commands)

    def put_back(self) -> contextlib.AbstractContextManager[None]:
        return redis_keys.put_back(self._fake)

    def stored(self) -> Iterator[Stored]:
        return redis_keys.stored(self._fake)

    def end(self) -> None:
        for client in tuple(self._clients):
            client.end()


class InMiniature(Client):
    def __init__(self, connection: Any, peer: Peer) -> None:
        self._connection = connection  # which closes its socket when it is collected
        self._socket = connection.get_socket()
        self._peer = peer

    def end(self) -> None:
        """A fakeredis's socket keeps the exception that the user's code was about to handle, and by its traceback all that this held."""
        self._connection = self._socket = None

    def say(self, words: list[bytes]) -> Any:
        self._socket.sendall(resp.packed(words))
        return _with_its_code(self._reply())

    def greet(self, words: list[bytes]) -> Any:
        """Every password is right."""
        name = words[0].upper()
        return b"OK" if name == b"AUTH" else self.say(words[:2] if name == b"HELLO" else words)

    def say_without_waiting(self, words: list[bytes]) -> Any:
        name = words[0].upper()
        if name == b"SENTINEL":
            return redis_sentinel.answer(self._peer, words[1:])
        return OWN[name] if name in OWN else super().say_without_waiting(words)

    def _reply(self) -> Any:
        replies = [resp.NOTHING]  # CLIENT REPLY OFF
        with contextlib.suppress(queue.Empty):
            replies = [self._socket.responses.get_nowait()]
            while True:  # one for each channel of a SUBSCRIBE
                self._socket.responses.get_nowait()
        return replies[0]


def writes(words: list[bytes]) -> bool:
    from fakeredis.model import is_write_command

    return words[0].upper().decode(errors="replace") in ALSO_WRITES or bool(is_write_command(words[0].lower()))


def patience(words: list[bytes]) -> float | None:
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
