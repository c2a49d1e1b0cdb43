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
from typing import Any
from urllib.parse import parse_qsl

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
# Statements that leave the same behind, however often they are made.
STANDING = frozenset({"DELETE", "REPLACE", "MERGE", "TRUNCATE", "DROP", "ALTER", "GRANT", "REVOKE", "COMMENT", "REFRESH", "RENAME"})
UPSERT = re.compile(
    r"\bON\s+CONFLICT\b|\bON\s+DUPLICATE\s+KEY\b|\bINSERT\s+(?:OR\s+(?:REPLACE|IGNORE)|IGNORE)\b|\bNOT\s+EXISTS\b", re.IGNORECASE
)
# `n = n + 1`, `text = text || 'x'`, `total = total - $1`: what is stored depends on what was there.
GROWING = re.compile(
    r"(?<![\w.\"`])[\"`]?(?:\w+\.)?(\w+)[\"`]?\s*=\s*(?:\w+\()?\s*[\"`]?(?:\w+\.)?[\"`]?\1[\"`]?\s*(?:\+|-|\*|/|\|\|)", re.IGNORECASE
)
# Values that the database makes anew each time.
MAKING = re.compile(r"\b(?:random|rand|now|uuid|gen_random_uuid)\s*\(", re.IGNORECASE)
QUOTED = re.compile(r"'(?:[^'\\]|''|\\.)*'")


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
    """Without their texts and the parameters behind them."""
    sql = QUOTED.sub("''", effect.content.decode("utf-8", "replace").partition(" -- ")[0])
    return [statement for statement in sql.split(";") if statement.strip()] or [effect.verb]


def _stands(statement: str) -> bool:
    verb = _word(statement)
    if verb == "WITH":
        verb = next((word for word in re.findall(r"\b(?:INSERT|UPDATE|DELETE|MERGE)\b", statement.upper())), "SELECT")
    if verb == "INSERT":
        return UPSERT.search(statement) is not None and GROWING.search(statement) is None
    if verb == "UPDATE":
        return GROWING.search(statement) is None and MAKING.search(statement) is None
    if verb == "CREATE":
        return re.search(r"\bIF\s+NOT\s+EXISTS\b|\bOR\s+REPLACE\b", statement, re.IGNORECASE) is not None
    return verb in STANDING or verb not in ("CALL", "DO", "EXECUTE", "EXEC", "NOTIFY", "COPY", "LOAD")
