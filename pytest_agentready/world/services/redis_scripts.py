"""Which commands of Redis go by the server's own clock: scripts that ask it for the time, and moments at which a key is to expire.

A server keeps scripts from one day to the next, and a client that finds its own there sends nothing but the digest. The text is then
looked for where the client stands: in the variables of its callers, in what these hold, and in their modules.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import sys
from collections.abc import Iterator
from types import CoroutineType, FrameType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

# In the text of a script: `redis.call('TIME')`, `redis.call("EXPIREAT", ...)`, `redis.call('SET', ..., 'EXAT', ...)`.
OF_THE_CLOCK = re.compile(rb"""['"](?:time|p?expireat|exat|pxat)['"]""", re.IGNORECASE)
MOMENTS = {b"EXPIREAT": 1, b"PEXPIREAT": 1000}  # the units of a second
OPTIONS = {b"EXAT": 1, b"PXAT": 1000}
DESCRIPTORS = (GetSetDescriptorType, MemberDescriptorType)  # Python's own, and no property of a class
_texts: dict[bytes, bytes] = {}  # by the SHA-1 under which a server keeps them, for as long as the process lives


def learn(words: list[bytes]) -> None:
    """A script has been sent to the server, which goes on under its digest from here on."""
    upper = [word.upper() for word in words[:2]]
    if upper and upper[0] in (b"EVAL", b"EVAL_RO") and len(words) > 1:
        _texts[_digest(words[1])] = words[1]
    elif upper == [b"SCRIPT", b"LOAD"] and len(words) > 2:
        _texts[_digest(words[2])] = words[2]


def asks_the_clock(words: list[bytes]) -> bool:
    """Also where it is not known what the server keeps under this name."""
    name = words[0].upper()
    if len(words) < 2:
        return False
    if name in (b"EVAL", b"EVAL_RO"):
        return OF_THE_CLOCK.search(words[1]) is not None
    if name in (b"EVALSHA", b"EVALSHA_RO"):
        text = _text_of(words[1].lower())
        return text is None or OF_THE_CLOCK.search(text) is not None
    return name in (b"FCALL", b"FCALL_RO")


def shifted(words: list[bytes], seconds: float) -> list[bytes]:
    """With each moment that is not in a script so many seconds later."""
    name = words[0].upper()
    place, unit = (2, MOMENTS[name]) if name in MOMENTS else (0, 0)
    if name in (b"SET", b"GETEX"):
        place, unit = next(((at + 1, OPTIONS[word.upper()]) for at, word in enumerate(words) if at > 1 and word.upper() in OPTIONS), (0, 0))
    if not place or len(words) <= place or not words[place].isdigit():
        return words
    return [*words[:place], b"%d" % (int(words[place]) + seconds * unit), *words[place + 1 :]]


def _text_of(digest: bytes) -> bytes | None:
    if digest not in _texts:
        found = next((text for text in _nearby() if _digest(text) == digest), None)
        if found is None:
            return None
        _texts[digest] = found
    return _texts[digest]


def _nearby() -> Iterator[bytes]:
    """The scripts that whoever works at the moment can see."""
    for frame in _frames():
        for value in (*frame.f_locals.values(), *frame.f_globals.values()):
            for each in (value, *_within(value)):
                if (text := _as_script(each)) is not None:
                    yield text


def _as_script(value: Any) -> bytes | None:
    """The text that this is, if it speaks of Redis."""
    kind = type(value)
    if issubclass(kind, str) and str.__contains__(value, "redis."):
        return str.encode(value, errors="replace")  # what cannot be encoded has not been sent
    return value if issubclass(kind, bytes) and bytes.__contains__(value, b"redis.") else None


def _within(value: Any) -> list[Any]:
    """An object's own attributes, and those of its class; the values of a dict.

    No code of the object's is run, as `isinstance` and `getattr` do: one that is made when it is first needed would be made by that.
    """
    found: list[Any] = []
    with contextlib.suppress(Exception):
        if issubclass(type(value), dict):
            return list(dict.values(value))
        for kind in type(value).__mro__:
            found += vars(kind).values() if kind is type(value) else ()
            attributes: Any = vars(kind).get("__dict__")
            if type(attributes) in DESCRIPTORS:
                own = attributes.__get__(value)
                return [*found, *(dict.values(own) if issubclass(type(own), dict) else own.values())]
    return found


def _frames() -> Iterator[FrameType]:
    """Of all threads, and of the tasks of the loop that waits here."""
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            yield frame
            frame = frame.f_back
    loop = asyncio._get_running_loop()
    for task in asyncio.all_tasks(loop) if loop is not None else ():
        coroutine: Any = task.get_coro()
        while type(coroutine) is CoroutineType and (frame := coroutine.cr_frame) is not None:
            yield frame
            coroutine = coroutine.cr_await


def _digest(text: bytes) -> bytes:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()
