"""What a mark says about the effects of its tool: what it is said to be, its gate, its user, and what does not count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from pytest_agentready.arguments.annotations import signature_of
from pytest_agentready.collect.imports import Misuse, imported
from pytest_agentready.domain import Tool, did_you_mean, nearest

DECLARED = ("destructive", "read_only", "idempotent")
SAID = (*DECLARED, "breaker")
CONDUCT = (*SAID, "confirm", "user", "reads", "bookkeeping")
STORES = ("redis:", "table:", "file:", "memory:", "http://", "https://")
ROUTE = re.compile(r"[A-Za-z]+ +https?://[^/\s]+/?\S*(?: +\S+)?")  # the last: a method of JSON-RPC
PROGRAM = re.compile(r"process:[^\s;&|<>`$()]+(?: +\S+)*")
METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")


def read_conduct(given: Mapping[str, Any], tool: Tool) -> tuple[dict[str, Any], list[str]]:
    """These facts as the examination takes them, and everything that is wrong with them."""
    facts = dict(given)
    problems = [*_declared(given), *_user(given, tool)]
    if (confirm := given.get("confirm")) is not None:
        try:
            facts["confirm"] = imported(confirm) if isinstance(confirm, str) else confirm
        except Misuse as misuse:
            problems += [f"confirm: {problem}" for problem in misuse.args]
        else:
            if not callable(facts["confirm"]):
                problems.append(
                    f"confirm={confirm!r} is no callable. Give a function that takes the tool's arguments, and approves that call"
                )
    lists, wrong = read_lists(given)
    return facts | lists, [*problems, *wrong]


def read_lists(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """`reads` and `bookkeeping`, of a tool or of a loop, and everything that is wrong with them."""
    problems = list(_lists(given))
    facts = {}
    for name in ("reads", "bookkeeping"):
        if name in given and not any(problem.startswith(name) for problem in problems):
            facts[name] = (given[name],) if isinstance(given[name], str) else tuple(given[name])
    return facts, problems


def _declared(given: Mapping[str, Any]) -> Iterator[str]:
    for name in SAID:
        if name in given and not isinstance(given[name], bool):
            yield f"{name}={given[name]!r} is neither True nor False"
    if given.get("destructive") is True and given.get("read_only") is True:
        yield "destructive=True and read_only=True contradict each other: who only reads destroys nothing"


def _user(given: Mapping[str, Any], tool: Tool) -> Iterator[str]:
    user = given.get("user")
    if user is None or isinstance(user, ContextVar):
        return
    if not isinstance(user, str):
        yield f"user={user!r} is neither a parameter's name nor a ContextVar"
        return
    signature = signature_of(tool.call)
    if signature is not None and user not in signature.parameters:
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values()):
            return
        name = getattr(tool.call, "__name__", "the tool")
        yield f"user={user!r} names no parameter of {name}{signature}.{did_you_mean(user, signature.parameters)}"


def _lists(given: Mapping[str, Any]) -> Iterator[str]:
    for name, example in (("reads", "POST https://api.example.com/search"), ("bookkeeping", "redis:approvals:*")):
        value = given.get(name, ())
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, (list, tuple, set, frozenset)):
            yield f"{name}={value!r} is no list. Write {name}=[{example!r}]"
            continue
        for entry in entries:
            if not isinstance(entry, str) or not entry.strip():
                yield f"{name} has the entry {entry!r}: write such as {example!r}"
            elif name == "reads":
                yield from _reading(entry.strip(), example)
            elif name == "bookkeeping" and not entry.startswith(STORES):
                near = did_you_mean(entry.partition(":")[0] + ":", STORES) if ":" in entry and not urlsplit(entry).netloc else ""
                kinds = "'redis:approvals:*', 'table:outbox' or 'file:*.lock'"
                yield f"{name} has the entry {entry!r}, which names no kind of store.{near} Write such as {kinds}"


def _reading(entry: str, example: str) -> Iterator[str]:
    method = entry.partition(" ")[0]
    kind, colon, _ = method.partition(":")
    if PROGRAM.fullmatch(entry):
        return
    if not ROUTE.fullmatch(entry):
        near = did_you_mean(f"{kind}:", ("process:",)) if colon and kind not in ("http", "https") else ""
        wrong = "names no program" if kind == "process" else "names no method or no host"
        yield f"reads has the entry {entry!r}, which {wrong}.{near} Write such as {example!r} or 'process:git log'"
    elif method.upper() not in METHODS:
        meant = nearest(method.upper(), METHODS)
        near = f" Did you mean {meant!r}?" if meant else ""
        yield f"reads has the entry {entry!r}, whose {method!r} is no method of HTTP.{near} Write such as {example!r}"
