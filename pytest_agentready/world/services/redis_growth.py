"""What Redis holds, grown: longer lists, larger sets, texts that go on and on; a command that asks for a part gets no more than that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_agentready.world import inflation

INDEXED = frozenset({"LRANGE", "ZRANGE", "ZREVRANGE"})  # from one place to another
COUNTED = frozenset({"SRANDMEMBER", "SPOP", "LPOP", "RPOP", "ZPOPMIN", "ZPOPMAX", "ZRANDMEMBER", "HRANDFIELD"})  # as many as they say
SETS = frozenset({"SMEMBERS", "SINTER", "SUNION", "SDIFF", "KEYS", "HKEYS", "ZINTER", "ZUNION", "ZDIFF", "GEOSEARCH", "GEORADIUS"})
RANGES = frozenset({
    "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZRANGEBYLEX", "ZREVRANGEBYLEX", "HVALS", "XRANGE", "XREVRANGE", "SORT", "SORT_RO",
})  # fmt: skip
SCANS = frozenset({"SCAN", "SSCAN", "HSCAN", "ZSCAN"})
STREAMS = frozenset({"XREAD", "XREADGROUP"})
HASHES = frozenset({"HGETALL", "HSCAN"})
TEXTS = frozenset({"GET", "GETEX", "GETDEL", "GETSET", "HGET", "HMGET", "MGET", "LINDEX", "LPOP", "RPOP", "LMOVE", "RPOPLPUSH", "SPOP"})
WAITING = frozenset({"BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH"})  # for one item
# Keys and fields of what is a word, however often the value changes.
CODES = re.compile(
    r"(?:status|state|flag|type|kind|version|token|id|lock|count|counter|total|name|email|date|time|at|on|price|amount|score|level|enabled|seen)$",
    re.IGNORECASE,
)


def is_bounded(words: list[bytes], value: Any) -> bool:
    """Can its reply never be long? Where there is nothing yet, that is not known."""
    name = words[0].upper().decode(errors="replace")
    if isinstance(value, Mapping):  # as version 3 of the protocol has a hash
        value = [part for pair in value.items() for part in pair]
    if name in TEXTS and isinstance(value, bytes):
        return CODES.search(_name(words)) is not None and _text(_name(words), value, 1) is None
    if isinstance(value, (int, float, bytes, Exception)):
        return name not in WAITING and not name.startswith(("EVAL", "FCALL"))
    if value is None:
        return name not in TEXTS | WAITING | STREAMS
    if name in HASHES and value and not _is_map(_names(value)):
        return grown(words, value, 1) is None
    return False


def grown(words: list[bytes], value: Any, size: int) -> Any:
    """The reply to one command, of some `size` bytes; None where nothing in it can grow."""
    name = words[0].upper().decode(errors="replace")
    if isinstance(value, bytes):
        return _text(_name(words), value, size) if name in TEXTS else None
    if isinstance(value, Mapping):
        flat = grown(words, [part for pair in value.items() for part in pair], size)
        return None if flat is None else dict(zip(flat[::2], flat[1::2], strict=True))
    if not isinstance(value, (list, tuple, set)) or not value:
        return None
    items = sorted(value) if isinstance(value, set) else list(value)
    if name in SCANS and isinstance(items[-1], list):
        inner = _hash(items[1], size) if name == "HSCAN" else _more(items[1], size, 2 if name == "ZSCAN" else 1, None, True)
        return None if inner is None else [items[0], inner]
    if name in STREAMS:
        inner = [[stream[0], _more(stream[1], size, 1, _most(words, name), False) or stream[1]] for stream in items]
        return inner if inner != items else None
    if name == "HGETALL":
        return _hash(items, size)
    if name in ("MGET", "HMGET") or name in WAITING:
        named = [word.decode(errors="replace") for word in words[1 if name == "MGET" else 2 :]] if name not in WAITING else ["", "text"]
        texts = [_text(each, item, size) if isinstance(item, bytes) else None for each, item in zip(named, items, strict=False)]
        return [item if text is None else text for text, item in zip(texts, items, strict=False)] if any(texts) else None
    if name in INDEXED | COUNTED | SETS | RANGES:
        scored = any(word.upper() in (b"WITHSCORES", b"WITHVALUES") for word in words) or name.startswith("ZPOP")
        return _more(items, size, 2 if scored else 1, _most(words, name), name in SETS or name[0] in "SZ")
    return None


def _most(words: list[bytes], name: str) -> int | None:
    """How many items the command asks for; None: for all."""
    upper = [word.upper() for word in words]
    for option, place in ((b"COUNT", 1), (b"LIMIT", 2)):
        if option in upper[1:]:
            return _number(words, upper.index(option, 1) + place)
    if name in COUNTED:
        number = _number(words, 2)
        return 1 if number is None else abs(number)
    if name in INDEXED and not {b"BYSCORE", b"BYLEX"} & set(upper):
        first, last = _number(words, 2), _number(words, 3)
        return last - first + 1 if first is not None and last is not None and (first < 0) == (last < 0) else None
    return None


def _number(words: list[bytes], place: int) -> int | None:
    try:
        return int(words[place])
    except (ValueError, IndexError):
        return None


def _more(items: list[Any], size: int, width: int, most: int | None, distinct: bool) -> list[Any] | None:
    """Items (of so many words each) again and again, in a set each with a name of its own."""
    if not items:
        return None
    groups = [items[place : place + width] for place in range(0, len(items), width)]
    count = len(groups) + 1 + size // max(1, len(repr(groups[0])))
    count = count if most is None else max(len(groups), min(most, count))
    more = [_another(groups[number % len(groups)], number // len(groups), distinct) for number in range(count)]
    if not distinct and isinstance(more[0][0], bytes):
        more[0] = [_text("item", more[0][0], size) or more[0][0], *more[0][1:]]
    flat = [item for group in more for item in group]
    return flat if flat != items else None


def _another(group: list[Any], number: int, distinct: bool) -> list[Any]:
    first = group[0]
    if not (distinct and number and isinstance(first, bytes)):
        return group
    return [b"%d" % (int(first) + 1_000_000 * number) if first.isdigit() else b"%s:%d" % (first, number), *group[1:]]


def _hash(items: list[Any], size: int) -> list[Any] | None:
    """A record's fields are what they are, and its texts grow; a map from ids to something has more of them."""
    if _is_map(_names(items)):
        return _more(items, size, 2, None, True)
    texts = {name: _text(name.decode(errors="replace"), value, size) for name, value in zip(items[::2], items[1::2], strict=False)}
    flat = [part for name, value in zip(items[::2], items[1::2], strict=False) for part in (name, texts[name] or value)]
    return flat if flat != items else None


def _names(items: Sequence[Any]) -> list[bytes]:
    inner = items[1] if len(items) == 2 and isinstance(items[1], list) else items  # HSCAN's
    return [name for name in inner[::2] if isinstance(name, bytes)]


def _is_map(names: list[bytes]) -> bool:
    return bool(names) and all(re.search(rb"\d", name) for name in names)


def _name(words: list[bytes]) -> str:
    """What the text is called: the field, or the last part of the key that is no number."""
    if words[0].upper() == b"HGET" and len(words) > 2:
        return words[2].decode(errors="replace")
    parts = [part for part in re.split(r"[:/.|]", words[1].decode(errors="replace")) if not part.isdigit()] if len(words) > 1 else []
    return parts[-1] if parts else "text"


def _text(name: str, value: bytes, size: int) -> bytes | None:
    """A list within JSON grows, and so does a text, unless its name says that it is a code."""
    if value[:1] not in (b"{", b"[") and not CODES.search(name) and name != "item" and re.search(rb"[^\W\d_]", value):
        name = "text"
    return inflation.inflated_bytes(name, value, size)
