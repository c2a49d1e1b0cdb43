"""Which write may be made twice: one that carries a key by which its peer knows it again, and one that leaves the peer as it was.

A key is a header or a field of the body under a name that says so. A key that is new in each call is none: that is for whoever
compares two calls to see.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from pytest_agentready.domain import sql
from pytest_agentready.domain.assignments import grows
from pytest_agentready.domain.effect import Effect

HEADERS = frozenset({
    "idempotency-key", "x-idempotency-key", "idempotence-key", "x-idempotence-key", "idempotency-token", "x-idempotency-token",
    "i-twilio-idempotency-token", "paypal-request-id", "x-request-id", "x-client-request-id", "x-goog-request-id", "client-request-id",
    "x-amz-client-token", "x-deduplication-id", "if-match", "if-none-match",
})  # fmt: skip
# Fields of a body, without their hyphens and underscores, in lower case. A `client_id` is OAuth's, and no key.
FIELDS = re.compile(
    r"idempoten(?:cy|ce)(?:key|token|id)?|client(?:request)?token|client(?:request|mutation|msg|message|order)id"
    r"|requestid|requesttoken|(?:message)?dedup(?:e|lication)?(?:key|id|token)|unique(?:request)?(?:key|token)|nonce"
)
DEPTH = 4  # of objects in objects, as of a mutation's variables
# Commands of a Redis that set something: the same once more changes nothing.
SETTING = frozenset({
    "SET", "SETEX", "PSETEX", "SETNX", "MSET", "MSETNX", "GETSET", "HSET", "HMSET", "HSETNX", "HDEL", "SADD", "SREM", "SMOVE", "ZADD",
    "ZREM", "ZREMRANGEBYSCORE", "ZREMRANGEBYRANK", "DEL", "UNLINK", "GETDEL", "GETEX", "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT",
    "PERSIST", "LSET", "LREM", "LTRIM", "SETBIT", "SETRANGE", "RENAME", "RENAMENX", "COPY", "FLUSHDB", "FLUSHALL", "PFADD", "GEOADD",
    "JSON.SET", "JSON.DEL", "JSON.MERGE", "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE", "ZUNIONSTORE", "ZINTERSTORE", "TOUCH", "HEXPIRE",
})  # fmt: skip
CHANGING = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
# Statements that leave the same behind, however often they are made.
STANDING = frozenset({"DELETE", "REPLACE", "MERGE", "TRUNCATE", "DROP", "ALTER", "GRANT", "REVOKE", "COMMENT", "REFRESH", "RENAME"})
UPSERT = re.compile(r"\bON CONFLICT\b|\bON DUPLICATE KEY\b|\bINSERT (?:OR (?:REPLACE|IGNORE)|IGNORE)\b|\bNOT EXISTS\b")
UNLESS_THERE = re.compile(r"\bIF NOT EXISTS\b|\bOR REPLACE\b")
# Functions by which the database makes a value anew each time. That of the time is none that matters.
MAKING = re.compile(r"\b(?:RANDOM|RAND|UUID|GEN_RANDOM_UUID|UUID_GENERATE_V\w+|UUIDV\d|NEWID|NEXTVAL)\b")


def key_in(headers: Iterable[tuple[str, str]], body: bytes) -> str | None:
    """The key that a request carries; None for none."""
    for name, value in headers:
        if name.lower() in HEADERS and value:
            return value
    return next(_fields(body), None) if body else None


def _fields(body: bytes) -> Iterator[str]:
    if len(body) > 100_000:
        return
    text = body.decode("utf-8", "replace").strip()
    if text[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            yield from _within(json.loads(text), 0)
    elif "=" in text and "\n" not in text:
        yield from (value for name, value in parse_qsl(text) if _is_key(name))


def _within(value: Any, depth: int) -> Iterator[str]:
    if depth > DEPTH:
        return
    if isinstance(value, dict):
        yield from (str(found) for name, found in value.items() if _is_key(str(name)) and isinstance(found, (str, int)) and found != "")
        for part in value.values():
            yield from _within(part, depth + 1)
    elif isinstance(value, list) and len(value) == 1:  # of several each has a key of its own
        yield from _within(value[0], depth + 1)


def _is_key(name: str) -> bool:
    return FIELDS.fullmatch(re.sub(r"[-_.]", "", name.rpartition(".")[2]).lower()) is not None


def marked(effect: Effect) -> Effect:
    """The effect, with the word whether it may happen twice."""
    return replace(effect, idempotent=leaves_as_it_was(effect))


def leaves_as_it_was(effect: Effect) -> bool:
    """Is the peer, having done the same once more, what it was after the first time?"""
    if effect.idempotent:
        return True
    match effect.kind:
        case "request":
            return _sets_a_resource(effect)
        case "command":
            return all(_word(line) in SETTING and " INCR " not in f" {line.upper()} " for line in _lines(effect))
        case "statement":
            return all(map(_stands, _statements(effect)))
        case "file":
            return effect.verb in ("remove", "rename")
        case _:
            return False


def ends_a_transaction(effect: Effect) -> bool:
    """A COMMIT changes nothing by itself: what it makes valid has been counted."""
    return effect.kind == "statement" and effect.verb in ("COMMIT", "END", "BEGIN", "START", "ROLLBACK", "SAVEPOINT", "RELEASE")


def _sets_a_resource(effect: Effect) -> bool:
    last = effect.target.rpartition("/")[2].rpartition(".")[2]
    match effect.verb:
        case "PUT" | "DELETE":
            return True
        case "PATCH":
            return _patches_plainly(effect.content)
        case "CALL":
            return re.match(r"(?:Update|Delete|Set|Put|Upsert|Replace|Remove|Ensure)", last) is not None
        case _:
            return "upsert" in effect.target.lower()


def _patches_plainly(content: bytes) -> bool:
    """A plain object sets fields; a list of operations may add to a list."""
    try:
        patch = json.loads(content.rpartition(b"\n")[2] if content.startswith(b"?") else content)
    except ValueError:
        return True
    if isinstance(patch, list):
        return not any(isinstance(step, dict) and step.get("op") in ("add", "copy") and _in_a_list(step) for step in patch)
    return (
        not any(str(name).startswith("$inc") or str(name) in ("$push", "increment") for name in patch) if isinstance(patch, dict) else True
    )


def _in_a_list(step: dict[str, Any]) -> bool:
    last = str(step.get("path", "")).rpartition("/")[2]
    return last == "-" or last.isdigit()


def _lines(effect: Effect) -> list[str]:
    return effect.content.decode("utf-8", "replace").splitlines() or [effect.verb]


def _word(line: str) -> str:
    return line.split(maxsplit=1)[0].upper() if line.strip() else ""


def _statements(effect: Effect) -> list[str]:
    """The parameters behind them are a comment."""
    return sql.split(effect.content.decode("utf-8", "replace")) or [effect.verb]


def _stands(statement: str) -> bool:
    found = sql.words(statement)
    line = " ".join(text for kind, text in found if kind == "word")
    return all(_stands_by(verb, statement, line) for verb in _verbs(statement))


def _verbs(statement: str) -> list[str]:
    """That of the statement; of a WITH those of all that it writes."""
    found = sql.words(statement)
    if found[:1] != (("word", "WITH"),):
        return [sql.verb(statement)]
    return [text for (_, before), (kind, text) in pairwise(found) if kind == "word" and text in CHANGING and before in ("(", ")")]


def _stands_by(verb: str, statement: str, line: str) -> bool:
    """`line` are its words alone."""
    match verb:
        case "INSERT":
            return UPSERT.search(line) is not None and not grows(statement)
        case "UPDATE":
            return not grows(statement) and MAKING.search(line) is None
        case "CREATE":
            return UNLESS_THERE.search(line) is not None
        case _:
            return verb in STANDING or verb not in ("CALL", "DO", "EXECUTE", "EXEC", "NOTIFY", "COPY", "LOAD")
