"""Which writes, carried out once more, leave their peer as it is: by the verb, and by what stands behind it."""

from __future__ import annotations

import re

METHODS = frozenset({"PUT", "DELETE"})
COMMANDS = frozenset({
    "SET", "MSET", "SETEX", "PSETEX", "SETNX", "MSETNX", "SETRANGE", "SETBIT", "GETSET", "GETDEL", "GETEX", "DEL", "UNLINK", "COPY",
    "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "PERSIST", "HSET", "HMSET", "HSETNX", "HDEL", "LSET", "SADD", "SREM", "SMOVE",
    "ZADD", "ZREM", "ZREMRANGEBYSCORE", "ZREMRANGEBYLEX", "PFADD", "PFMERGE", "GEOADD", "XDEL", "XACK", "SUNIONSTORE",
    "SINTERSTORE", "SDIFFSTORE", "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE", "ZRANGESTORE", "JSON.SET", "JSON.DEL", "FLUSHDB",
    "FLUSHALL",
})  # fmt: skip
# Besides its verb, what makes an INSERT an upsert, and what makes an UPDATE count on from what stands there.
UPSERT = re.compile(r"\b(?:on\s+conflict|on\s+duplicate\s+key|insert\s+ignore|or\s+ignore|or\s+replace)\b", re.IGNORECASE)
COUNTING = re.compile(r"\|\||[+*/]|(?<=\w)\s*-\s*(?=\w)|\b(?:concat|random|rand|now|uuid|gen_random_uuid)\s*\(", re.IGNORECASE)
LITERALS = re.compile(r"'(?:[^'\\]|''|\\.)*'|\s-- .*", re.DOTALL)  # and the parameters, which stand behind the statement


def of_request(method: str) -> bool:
    return method in METHODS


def of_commands(text: str) -> bool:
    """One of Redis, or a transaction of several, a line each. A ZADD may count, as a ZINCRBY does."""
    lines = [line.upper().split() for line in text.splitlines() if line.split()]
    return bool(lines) and all(words[0] in COMMANDS and not (words[0] == "ZADD" and "INCR" in words) for words in lines)


def of_statement(verb: str, sql: str) -> bool:
    """A DELETE, an upsert, an UPDATE that only says what is to stand there."""
    text = LITERALS.sub(" ", sql)
    match verb:
        case "DELETE" | "TRUNCATE" | "DROP" | "REPLACE":
            return True
        case "INSERT":
            return UPSERT.search(text) is not None
        case "CREATE":
            return re.search(r"\bif\s+not\s+exists\b", text, re.IGNORECASE) is not None
        case "UPDATE":
            return COUNTING.search(text) is None
    return False
