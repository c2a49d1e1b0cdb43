"""Which keys a command names, and whether the server is still what it was before it."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator
from typing import Any

from pytest_agentready.domain import Stored

# Where the number of the keys stands that follow it.
COUNTED = {
    "EVAL": 2, "EVALSHA": 2, "EVAL_RO": 2, "EVALSHA_RO": 2, "FCALL": 2, "FCALL_RO": 2, "ZUNIONSTORE": 2, "ZINTERSTORE": 2,
    "ZDIFFSTORE": 2, "LMPOP": 1, "ZMPOP": 1, "BLMPOP": 2, "BZMPOP": 2,
}  # fmt: skip
DEEDS_OF_THEIR_OWN = frozenset({"PUBLISH", "SPUBLISH"})  # the server forgets what it has told its listeners
# What a script, or a command without keys, does may be anywhere.
ANYWHERE = frozenset({"EVAL", "EVALSHA", "FCALL", "FLUSHALL", "FLUSHDB", "SWAPDB", "MOVE"})


def keys(words: list[bytes]) -> tuple[str, ...]:
    """Those that one command names, in its order."""
    name = words[0].upper().decode(errors="replace")
    if name in DEEDS_OF_THEIR_OWN:
        return tuple(map(_text, words[1:2]))
    found: list[bytes] = []
    if name in COUNTED:
        with contextlib.suppress(ValueError, IndexError):
            place = COUNTED[name]
            found = words[place + 1 : place + 1 + int(words[place])]
            found = [words[1], *found] if name.endswith("STORE") else found
    elif name in ("XREADGROUP", "XREAD"):
        upper = [word.upper() for word in words]
        rest = words[upper.index(b"STREAMS") + 1 :] if b"STREAMS" in upper else []
        found = rest[: len(rest) // 2]
    elif name in ("MSET", "MSETNX"):
        found = words[1::2]
    else:
        found = _by_their_places(words)
    return tuple(dict.fromkeys(map(_text, found)))


def _by_their_places(words: list[bytes]) -> list[bytes]:
    from fakeredis.model import get_command_info

    info = get_command_info(words[0].lower())
    if not info or len(info) < 6 or not info[3]:
        return []
    first, last, step = info[3:6]
    return words[first : (len(words) + last if last < 0 else last) + 1 : step or 1]


def contents(server: Any, commands: list[list[bytes]]) -> Any:
    """What these commands may change, to be compared. That a key which expires expires later is no change."""
    names = [words[0].upper().decode(errors="replace") for words in commands]
    found = {key.encode("utf-8", "surrogateescape") for words in commands for key in keys(words)}
    everywhere = not found or any(name in ANYWHERE for name in names)
    return {
        (number, key): (item.value if type(item.value) is bytes else pickle.dumps(item.value), item.expireat is not None)
        for number, database in tuple(server.dbs.items())
        for key in (tuple(database) if everywhere else tuple(found))
        if (item := database.get(key)) is not None
    }


@contextlib.contextmanager
def put_back(server: Any) -> Iterator[None]:
    """Afterwards this server holds what it held, for as long as it would have held it."""
    before = pickle.dumps({number: list(_items(database)) for number, database in tuple(server.dbs.items())})
    try:
        yield
    finally:
        held = pickle.loads(before)
        for number, database in tuple(server.dbs.items()):
            for key in tuple(database):
                del database[key]
            database.update(held.get(number, ()))


def stored(server: Any) -> Iterator[Stored]:
    """Each key of this server that holds a text or a number; of a hash each of its fields."""
    for database in tuple(server.dbs.values()):
        for key, item in _items(database):
            expires = item.expireat is not None
            if isinstance(item.value, bytes):
                yield Stored(_text(key), "", _text(item.value), expires)
            elif hasattr(item.value, "items"):
                for field, value in item.value.items():
                    if isinstance(value, bytes):
                        yield Stored(_text(key), _text(field), _text(value), expires)


def _items(database: Any) -> Iterator[tuple[bytes, Any]]:
    """What has not expired yet."""
    return ((key, item) for key in tuple(database) if (item := database.get(key)) is not None)


def tells_others(commands: list[list[bytes]]) -> bool:
    return any(words[0].upper().decode(errors="replace") in DEEDS_OF_THEIR_OWN for words in commands)


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")
