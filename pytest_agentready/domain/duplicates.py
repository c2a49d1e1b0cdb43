"""Which writes of a later call, or a later try, do once more what was done before.

The same is the same kind, verb and place, whatever new id or time stamp stands in it. What carries the key of an earlier write, or leaves
its peer as it was, is no duplicate.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.idempotency import ends_a_transaction, leaves_as_it_was
from pytest_agentready.domain.matrix import NormalCall
from pytest_agentready.domain.observation import Request, Run
from pytest_agentready.domain.structure import masked

COUNTED = ("request", "mail", "command", "statement", "file")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A write that was made before."""

    before: Effect
    again: Effect
    why: Literal["no key", "new key", "new name"]


def kind_of(effect: Effect) -> Hashable:
    """The same for effects that do the same somewhere, be it under a new name."""
    return effect.kind, effect.verb, masked(effect.target), tuple(map(masked, effect.places))


def counts(effect: Effect) -> bool:
    return effect.kind in COUNTED and not effect.refused and not ends_a_transaction(effect)


def duplicates(before: Iterable[Effect], after: Iterable[Effect]) -> list[Duplicate]:
    """The writes of `after` that repeat one of `before`."""
    known: dict[Hashable, list[Effect]] = {}
    for effect in filter(counts, before):
        known.setdefault(kind_of(effect), []).append(effect)
    found = []
    for effect in filter(counts, after):
        if (earlier := known.get(kind_of(effect))) and (why := _why(earlier, effect)):
            found.append(Duplicate(earlier[-1], effect, why))
    return found


def made(effects: Iterable[Effect]) -> list[Effect]:
    """What the peers were changed by: of those with the same key, or that leave all as it was, each once."""
    found: list[Effect] = []
    for effect in filter(counts, effects):
        if not any(kind_of(one) == kind_of(effect) and not _why([one], effect) for one in found):
            found.append(effect)
    return found


def looked_first(run: Run, effect: Effect) -> Request | None:
    """The read before the write that told that nothing is there yet; None for none."""
    host = effect.target.partition("://")[2].partition("/")[0].rpartition("@")[2]
    for request in run.requests:
        if not request.is_write and request.empty and request.at <= effect.at and host in request.url:
            return request
    return None


def could_be_refused(before: Effect, again: Effect) -> bool:
    """Is it a row that a database with a UNIQUE column would not take a second time? SQLite itself is asked, and has said."""
    is_row = again.kind == "statement" and again.verb == "INSERT" and not again.target.startswith("sqlite:")
    return is_row and _ids(before) == _ids(again)


def nothing_written(normal_call: NormalCall) -> str:
    """The proof that a tool has no effects, in words."""
    requests = sum(len(run.requests) for run in normal_call.runs)
    return f"it writes nothing: of its {requests} requests none changes its peer" if requests else "it writes nothing outside of itself"


def _why(earlier: Sequence[Effect], effect: Effect) -> Literal["", "no key", "new key", "new name"]:
    """Why the effect is a duplicate of the earlier ones; "" where it is none."""
    if effect.key and any(one.key == effect.key for one in earlier):
        return ""
    if leaves_as_it_was(effect):
        return "" if any(_same_place(one, effect) for one in earlier) else "new name"
    if effect.kind == "file" and any(_rewrites(one, effect) for one in earlier):
        return ""
    return "new key" if effect.key and any(one.key for one in earlier) else "no key"


def _same_place(one: Effect, other: Effect) -> bool:
    if (one.target, one.places) != (other.target, other.places):
        return False
    # A row that is stored under a new id each time never meets the one before.
    is_new_row = one.kind == "statement" and one.verb in ("INSERT", "MERGE", "REPLACE") and one.content != other.content
    return not (is_new_row and masked(_text(one)) == masked(_text(other)) and _ids(one) != _ids(other))


def _ids(effect: Effect) -> list[str]:
    text = _text(effect)
    return [word for word in text.split() if len(word) >= 20 and masked(word) != word and not word[:5].strip("'\"(").isdigit()]


def _text(effect: Effect) -> str:
    return effect.content.decode("utf-8", "replace")


def _rewrites(one: Effect, other: Effect) -> bool:
    """A file that is written anew from its beginning, as opposed to one that grows."""
    if one.target != other.target or other.verb == "append" or not other.content:
        return False
    return one.content == other.content or not other.content.startswith(one.content)
