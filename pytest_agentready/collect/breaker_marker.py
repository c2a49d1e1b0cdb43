"""What an `agent_breaker` mark says, read and checked, and made into a Breaker; everything that is wrong with it is said at once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pytest_agentready.arguments.annotations import signature_of
from pytest_agentready.collect.imports import Misuse, imported
from pytest_agentready.collect.loop_marker import SESSIONS, USERS, carrier_of, is_number
from pytest_agentready.collect.marker import Marks, closest_mark, equal, same_object
from pytest_agentready.domain import Breaker, BreakerFacts, Limit, did_you_mean, read_limits

MARK = "agent_breaker"
PARAMETERS = ("user", "session", "cost")
FACTS = ("limits", "args", "settle", *PARAMETERS)
# The methods of an object that only look, and those that are told afterwards what was spent: where both are there, they belong together.
ASKED = ("check", "allow", "admit", "can_spend", "can_proceed", "is_allowed", "check_budget", "check_limits", "check_limit")
RECORDS = (
    *("record", "record_cost", "record_spend", "record_usage", "add", "add_cost", "track", "track_cost", "commit", "increment"),
    *("charge", "spend", "consume"),
)
# The method of an object that is asked before money is spent; the first that is there is taken.
METHODS = ("check_and_increment", "reserve", "try_spend", "acquire", *ASKED, "charge", "spend", "consume")
COSTS = (
    *("cost_usd", "cost", "usd", "dollars", "amount", "amount_usd", "price", "estimated_cost", "estimate", "spend"),
    *("cost_micros", "cost_cents", "amount_micros", "amount_cents", "micros", "cents", "estimated_cost_usd", "estimated_usd"),
)


@dataclass(frozen=True, slots=True)
class Stated:
    """A breaker, with what its mark said about it word for word, and the test that said it."""

    breaker: Breaker
    subject: object
    facts: Mapping[str, object]
    node: str


@dataclass
class BreakerMarks:
    """The marks of breakers that one session has read. Equal marks give the same Breaker: its experiments are made once."""

    marks: Marks
    stated: list[Stated] = field(default_factory=list)

    def breaker(self, definition: pytest.Item) -> Breaker:
        """The breaker of this test's mark. Raises Misuse."""
        mark = closest_mark(definition, MARK)
        given = {name: mark.kwargs[name] for name in FACTS if mark.kwargs.get(name) is not None}
        problems = [_unknown_fact(name) for name in mark.kwargs if name not in ("breaker", *FACTS)]
        try:
            subject = _subject(mark)
            breaker = self.adapted(subject)
        except Misuse as misuse:
            raise Misuse(*misuse.args, *problems) from None
        for known in self.stated:
            if same_object(known.subject, subject) and not problems and equal(known.facts, given):
                return known.breaker
        breaker = with_facts(breaker, given, problems)
        self.stated.append(Stated(breaker, subject, given, definition.nodeid))
        return breaker

    def adapted(self, subject: object) -> Breaker:
        """Of a function, or of an object with one of the usual methods. Raises Misuse."""
        found = subject
        if inspect.isclass(subject) and any(callable(getattr(subject, name, None)) for name in METHODS):
            raise Misuse(f"{subject.__qualname__} is a class: give an object of it, such as breaker={subject.__name__}(...)")
        if not inspect.isroutine(subject) and not inspect.isclass(subject):
            found = next((getattr(subject, name) for name in METHODS if callable(getattr(subject, name, None))), subject)
        if inspect.isclass(subject) or not callable(found):
            remedy = f"Name a function, or an object that has one of {', '.join(METHODS)}"
            raise Misuse(f"{subject!r} admits and refuses nothing. {remedy}")
        tool = self.marks.adapted(found)  # named, and found in its file, as any callable is
        return Breaker(tool.name, tool.call, tool.is_async, tool.source, facts=BreakerFacts(settle=_recorder(found)))


def with_facts(breaker: Breaker, given: Mapping[str, Any], problems: Iterable[str] = ()) -> Breaker:
    """The breaker with what is stated of it. Raises Misuse, with these problems and all that are found."""
    reading = _Reading(breaker, given, [*problems])
    limits, carriers, args, settle = reading.limits(), reading.carriers(), reading.args(), reading.settle()
    reading.look_for_more({*args, *carriers.values()})
    if reading.problems:
        raise Misuse(*dict.fromkeys(reading.problems))
    ids = [carriers[name] for name in ("user", "session") if carriers[name]]
    numbered = tuple(name for name in ids if is_number(reading.named[name]))
    return replace(breaker, facts=BreakerFacts(limits=limits, **carriers, args=dict(args), numbered=numbered, settle=settle))


class _Reading:
    """What is stated of a breaker, beside what its signature says; whatever does not fit is a problem."""

    def __init__(self, breaker: Breaker, given: Mapping[str, Any], problems: list[str]) -> None:
        self.problems = problems
        self.signature = signature_of(breaker.call)
        self.named = {} if self.signature is None else dict(self.signature.parameters)
        self._breaker = breaker
        self._given = given

    def limits(self) -> tuple[Limit, ...]:
        try:
            return read_limits(self._given.get("limits", {}))
        except ValueError as wrong:
            self.problems += str(wrong).splitlines()
            return ()

    def carriers(self) -> dict[str, str]:
        """Which parameter is the user, which the session, and which the cost; "" for none."""
        found = {}
        for name, usual in (("user", USERS), ("session", SESSIONS), ("cost", COSTS)):
            found[name] = carrier = self._given.get(name) or carrier_of(self.named, usual, any_type=name == "cost")
            if carrier and carrier not in self.named:
                self.problems.append(f"{name}={carrier!r} names no parameter of it.{did_you_mean(str(carrier), self.named)}")
        if not found["cost"]:
            self.problems.append(f"none of its parameters {self.signature} carries the cost: name it by cost=, such as cost='amount'")
        return found

    def args(self) -> Mapping[str, Any]:
        args = self._given.get("args", {})
        if not isinstance(args, Mapping):
            what = "Write what it takes beside the ids and the cost, such as args={'model': 'gpt-5.1'}"
            self.problems.append(f"args={args!r} is no dict. {what}")
            return {}
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in self.named.values()):
            strangers = [name for name in args if name not in self.named]
            self.problems += [f"there is no parameter {name!r}.{did_you_mean(str(name), self.named)}" for name in strangers]
        return args

    def settle(self) -> Any:
        """The function that is told what was spent; None where there is none."""
        settle: Any = self._given.get("settle", self._breaker.facts.settle)
        try:
            settle = imported(settle) if isinstance(settle, str) else settle
        except Misuse as misuse:
            self.problems += [f"settle: {problem}" for problem in misuse.args]
            return None
        if settle is not None and not callable(settle):
            what = "Give a function of the user, the session and the dollars that were spent"
            self.problems.append(f"settle={settle!r} is no callable. {what}")
        return settle

    def look_for_more(self, known: Container[str]) -> None:
        """What it cannot be called without."""
        by_name = {name: one for name, one in self.named.items() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
        left = [name for name, one in by_name.items() if one.default is one.empty and name not in known]
        if left:
            self.problems.append(f"it takes {', '.join(left)}, too: write args={{{', '.join(f'{name!r}: ...' for name in left)}}}")


def _recorder(found: object) -> Callable[..., Any] | None:
    """The method of the same object that is told what was spent, where the one that is asked only looks; None where there is none."""
    owner, name = getattr(found, "__self__", None), getattr(found, "__name__", "")
    if owner is None or name not in ASKED:
        return None
    for method in (getattr(owner, each) for each in RECORDS if callable(getattr(owner, each, None))):
        signature = signature_of(method)
        named = {} if signature is None else dict(signature.parameters)
        carriers = [carrier_of(named, usual, any_type=usual is COSTS) for usual in (USERS, SESSIONS, COSTS)]
        required = {each for each, parameter in named.items() if parameter.default is parameter.empty}
        if carriers[2] and required <= set(carriers):
            return functools.partial(_recorded, method, carriers)
    return None


def _recorded(method: Callable[..., Any], carriers: list[str], *values: object) -> Any:
    return method(**{name: value for name, value in zip(carriers, values, strict=True) if name})


def _subject(mark: pytest.Mark) -> object:
    if len(mark.args) + ("breaker" in mark.kwargs) != 1:
        raise Misuse("it names no breaker. Write `@pytest.mark.agent_breaker(breaker=breaker, limits={...})`, and all else by name")
    subject = mark.args[0] if mark.args else mark.kwargs["breaker"]
    return imported(subject) if isinstance(subject, str) else subject


def _unknown_fact(name: str) -> str:
    known = ("breaker", *FACTS)
    return f"there is no argument {name!r}.{did_you_mean(name, known)} Known: {', '.join(known)}"
