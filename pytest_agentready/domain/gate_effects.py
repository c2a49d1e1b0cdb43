"""The effects of a tool behind a gate: which of them are the gate's own book-keeping, and which are other things than what was approved."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.observation import Request, Run

# What a store of a gate's own is called, where nothing else says so: one of the words of a table's, a key's or a file's name.
GATES_OWN = re.compile(
    r"confirm(?:s|ed|ing|ations?)?|approv(?:e|es|ed|al|als|ing)|unapproved|unconfirmed|pending|intents?|consents?|permissions?|gates?"
    r"|challenges?|nonces?|hitl",
    re.IGNORECASE,
)
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # `PendingIntents`, `pending_intents`
TOKENS = re.compile(rb"[A-Za-z0-9_.+\-]+|[^A-Za-z0-9_.+\-]")


def without_gates_own(effects: Iterable[Effect], confirming: Run | None, touched: Iterable[Effect], refused: bool) -> tuple[Effect, ...]:
    """The effects on the world that are not the gate's own book-keeping: its stores are those that `confirm` has touched.

    So is what a refusal leaves in stores that are called like one, such as an intent that waits for its approval.
    """
    own = {family for effect in touched for family in _families(effect)}
    if confirming is not None:
        own |= {family for request in confirming.requests for family in _families_of_request(request)}

    def is_gates(effect: Effect) -> bool:
        if effect.kind == "memory":  # what a process remembers nobody outside of it gets to see
            return True
        families = set(_families(effect))
        if families and families <= own:
            return True
        return refused and _is_called_like_a_gates(effect)

    return tuple(effect for effect in effects if not is_gates(effect))


def _is_called_like_a_gates(effect: Effect) -> bool:
    match effect.kind:
        case "command":
            names = effect.places or tuple(_keys(effect.content))
        case "statement":
            names = effect.places
        case "file":
            names = ("/".join(effect.target.split(os.sep)[-2:]),)  # the file, and its folder
        case _:
            return False
    return bool(names) and all(map(_has_a_gates_word, names))


def _has_a_gates_word(name: str) -> bool:
    return any(GATES_OWN.fullmatch(word) for word in WORDS.findall(name))


def _families(effect: Effect) -> Iterator[str]:
    """Where an effect belongs: its table, the keys that are named like its own, the folder, the collection of an API."""
    match effect.kind:
        case "command":
            keys = effect.places or _keys(effect.content)
            yield from (f"{effect.target} {_family(key)}" for key in keys)
        case "statement":
            yield from (f"{effect.target} {table.lower()}" for table in effect.places)
        case "file":
            yield f"file {os.path.dirname(effect.target)}/*{os.path.splitext(effect.target)[1]}"
        case "request":
            yield f"request {_collection(effect.target)}"
        case _:
            yield f"{effect.kind} {effect.target}"


def _families_of_request(request: Request) -> Iterator[str]:
    """What is asked for counts as well: `confirm` may look an intent up that the tool has stored."""
    if request.url.startswith("redis"):
        yield from (f"{request.url.partition('?')[0]} {_family(key)}" for key in request.places or _keys(request.body))
    elif request.is_http:
        yield f"request {_collection(request.url.partition('?')[0])}"
    else:
        yield from (f"{request.url.partition('?')[0]} {table.lower()}" for table in request.places)


def _keys(command: bytes) -> Iterator[str]:
    for line in command.splitlines():
        words = line.split()
        if len(words) > 1:
            yield words[1].decode(errors="replace")


def _family(key: str) -> str:
    """`shop:approvals:*` for `shop:approvals:7f3a:mail`."""
    parts = key.split(":")
    for number, part in enumerate(parts[:-1], 1):
        if _has_a_gates_word(part):
            return f"{':'.join(parts[:number])}:*"
    return f"{':'.join(parts[:-1])}:*" if parts[1:] else re.sub(r"[0-9a-fA-F]{6,}|\d+", "*", key)


def _collection(url: str) -> str:
    """`https://api.example.com/approvals` for what lies below it."""
    parts = urlsplit(url)
    pieces = [piece for piece in parts.path.split("/") if piece]
    while pieces and (any(char.isdigit() for char in pieces[-1]) and not re.fullmatch(r"v\d+", pieces[-1])):
        pieces.pop()
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(pieces)}"


def does_another_thing(changed: Iterable[Effect], approved: Iterable[Effect], sample: Iterable[Effect]) -> bool:
    """Is one of these effects none of the approved ones? What differs between those and a sample of the same is chance, or the time."""
    first, second = [*approved], [*sample]
    pairs = list(zip(first, second, strict=True)) if len(first) == len(second) else [(effect, effect) for effect in first]
    return any(not any(_is_same(effect, one, other) for one, other in pairs) for effect in changed)


def _is_same(effect: Effect, one: Effect, other: Effect) -> bool:
    if (effect.kind, effect.verb) != (one.kind, one.verb):
        return False
    return alike(_text(effect), _text(one), _text(other))


def _text(effect: Effect) -> bytes:
    return effect.target.encode() + b"\n" + effect.content


def alike(text: bytes, one: bytes, other: bytes) -> bool:
    """Is it the same as `one`, but for what differs between that and `other`?"""
    if text == one:
        return True
    found = unlike(text, one, other)
    return found is not None and not found


def unlike(text: bytes, one: bytes, other: bytes) -> list[tuple[bytes, bytes]] | None:
    """The words in which a text is not as `one`, without those in which `other` is not either; None where they are built otherwise."""
    words, ones, others = TOKENS.findall(text), TOKENS.findall(one), TOKENS.findall(other)
    if not len(words) == len(ones) == len(others):
        return None
    return [(mine, theirs) for mine, theirs, again in zip(words, ones, others, strict=True) if mine != theirs and theirs == again]
