"""What an `agent_loop` mark says, read and checked, and made into a Loop; everything that is wrong with it is said at once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pytest_agentready.arguments.annotations import signature_of
from pytest_agentready.arguments.plausible import CannotMake, arguments_for
from pytest_agentready.arguments.schema import interface_of
from pytest_agentready.collect.conduct import read_lists
from pytest_agentready.collect.imports import Misuse, imported
from pytest_agentready.collect.marker import Marks, closest_mark, equal, same_object
from pytest_agentready.domain import Interface, Loop, LoopFacts, Tool, did_you_mean, read_limits, read_prices

MARK = "agent_loop"
COUNTS = {"token_budget": "tokens", "context_window": "tokens", "max_model_calls": "calls"}
CALLABLES = ("call", "approve")
PARAMETERS = ("prompt", "user", "session")
FACTS = ("args", "backend", "tools", "limits", "prices", "reads", "bookkeeping", *COUNTS, *CALLABLES, *PARAMETERS)
# What such parameters are usually called; the first that is there is taken.
PROMPTS = (
    *("prompt", "question", "user_message", "user_input", "user_prompt", "user_text", "message", "query", "text", "input", "input_text"),
    *("task", "request", "content", "instruction", "goal", "messages", "user_query", "msg", "utterance", "ask"),
)
USERS = ("user_id", "user", "customer_id", "account_id", "uid", "customer", "user_name", "username")
SESSIONS = ("session_id", "session", "conversation_id", "thread_id", "chat_id", "conversation", "thread")
OTHERWISE = "or give call=, a function that takes the user's text and gives what the user gets"


@dataclass(frozen=True, slots=True)
class Stated:
    """A loop, with what its mark said about it word for word, and the test that said it."""

    loop: Loop
    subject: object
    facts: Mapping[str, object]
    node: str


@dataclass
class LoopMarks:
    """The marks of loops that one session has read. Equal marks give the same Loop: its experiments are made once."""

    marks: Marks
    stated: list[Stated] = field(default_factory=list)

    def loop(self, definition: pytest.Item) -> Loop:
        """The loop of this test's mark. Raises Misuse."""
        mark = closest_mark(definition, MARK)
        given = {name: mark.kwargs[name] for name in FACTS if mark.kwargs.get(name) is not None}
        problems = [_unknown_fact(name) for name in mark.kwargs if name not in ("loop", *FACTS)]
        try:
            subject = _subject(mark)
            loop = self.adapted(subject, given)
        except Misuse as misuse:
            raise Misuse(*misuse.args, *problems) from None
        for known in self.stated:
            if same_object(known.subject, subject) and not problems:
                if equal(known.facts, given):
                    return known.loop
                problems += _contradictions(known, given)
        loop = self.with_facts(loop, given, problems)
        self.stated.append(Stated(loop, subject, given, definition.nodeid))
        self.marks.loops.append(loop.name)
        return loop

    def adapted(self, subject: object, given: Container[str] = ()) -> Loop:
        """The loop as the first adapter makes it out that knows such objects. Raises Misuse."""
        if inspect.isclass(subject) and "call" not in given:
            name = subject.__name__
            raise Misuse(f"{name} is a class, and to call it makes an object. Name a method, such as loop={name}(...).run, {OTHERWISE}")
        for adapt in self.marks.registry.loop_adapters:
            if (loop := adapt(subject)) is not None:
                return loop
        if inspect.iscoroutine(subject):
            subject.close()  # it will never be awaited, and Python would warn of it
        raise Misuse(f"{subject!r} is no callable. Name the function that talks to the model, not what it returns")

    def with_facts(self, loop: Loop, given: Mapping[str, Any], problems: Iterable[str] = ()) -> Loop:
        """The loop with what is stated of it. Raises Misuse, with these problems and all that are found."""
        found = [*problems]
        facts: dict[str, Any] = {name: given[name] for name in COUNTS if name in given}
        found += _counts(given)
        for name in CALLABLES:
            if name in given:
                try:
                    facts[name] = _callable(name, given[name])
                except Misuse as misuse:
                    found += misuse.args
        for name, reader in (("backend", _backend), ("prices", read_prices), ("limits", read_limits), ("tools", self._tools)):
            if name in given:
                try:
                    facts[name] = reader(given[name])
                except (Misuse, ValueError) as problem:
                    found += [line for text in problem.args for line in str(text).splitlines()]
        lists, wrong = read_lists(given)
        facts |= lists
        found += wrong
        shaped = replace(loop, facts=LoopFacts(**facts))
        parameters, wrong = _parameters(shaped, given)
        if found or wrong:
            raise Misuse(*dict.fromkeys([*found, *wrong]))
        return replace(shaped, facts=replace(shaped.facts, **parameters), known=self._known)

    def _known(self) -> tuple[Tool, ...]:
        """The tools that any test marks: the loop may offer them."""
        return tuple(stated.tool for stated in self.marks.stated)

    def _tools(self, given: object) -> tuple[Tool, ...]:
        tools = list(given.values()) if isinstance(given, Mapping) else given
        if not isinstance(tools, (list, tuple, set, frozenset)):
            raise Misuse(f"tools={given!r} is no list. Write tools=[get_order_status, send_email]")
        try:
            return tuple(self.marks.adapted(imported(tool) if isinstance(tool, str) else tool) for tool in tools)
        except Misuse as misuse:
            raise Misuse(*(f"tools: {problem}" for problem in misuse.args)) from None


def _subject(mark: pytest.Mark) -> object:
    if len(mark.args) + ("loop" in mark.kwargs) != 1:
        raise Misuse("it names no loop. Write `@pytest.mark.agent_loop(loop=run_agent)`, and all else by name")
    subject = mark.args[0] if mark.args else mark.kwargs["loop"]
    return imported(subject) if isinstance(subject, str) else subject


def _parameters(loop: Loop, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Which parameter carries what, with values for the rest, and what is wrong with that."""
    signature = signature_of(loop.entry)
    if signature is None:
        name = getattr(loop.entry, "__name__", "the loop")
        return {}, [f"{name} has no signature that can be read: give call=, a function that takes the user's text"]
    args = given.get("args", {})
    if not isinstance(args, Mapping):
        return {}, [f"args={args!r} is no dict. Write what the loop takes beside the user's text, such as args={{'verbose': False}}"]
    named = {p.name: p for p in signature.parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    usual_names = {"user": USERS, "session": SESSIONS}
    carriers = {fact: given[fact] if fact in given else carrier_of(named, usual) for fact, usual in usual_names.items()}
    ids = [carrier for carrier in carriers.values() if carrier]
    free = [parameter for parameter in named if parameter not in ids and parameter not in args]
    carriers["prompt"] = prompt = given["prompt"] if "prompt" in given else _prompt(named, free)
    if problems := [*_strangers(loop, signature, named, carriers, args)]:
        return {}, problems
    made, problems = _rest(loop, signature, [p for p in free if p != prompt and named[p].default is inspect.Parameter.empty])
    takes_messages = bool(prompt) and _is_list(named.get(prompt))
    numbered = tuple(each for each in ids if each in named and is_number(named[each]))
    return {**carriers, "numbered": numbered, "args": {**made, **args}, "takes_messages": takes_messages}, problems


def _strangers(
    loop: Loop, signature: inspect.Signature, named: Mapping[str, inspect.Parameter], carriers: Mapping[str, Any], args: Mapping[str, Any]
) -> Iterator[str]:
    """What is stated of parameters that the loop does not have."""
    call = f"{getattr(loop.entry, '__name__', 'the loop')}{signature}"
    is_open_ended = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    for fact in PARAMETERS:
        carrier = carriers[fact]
        if not isinstance(carrier, str) or (carrier and carrier not in named and not is_open_ended):
            yield f"{fact}={carrier!r} names no parameter of {call}.{did_you_mean(str(carrier), named)}"
    for name in args:
        if name not in named and not is_open_ended:
            yield f"args does not fit {call}: there is no parameter {name!r}.{did_you_mean(str(name), named)}".removesuffix(".")


def _rest(loop: Loop, signature: inspect.Signature, left: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Values for what nobody has said anything about, and what is wrong where there can be none."""
    call, problems = f"{getattr(loop.entry, '__name__', 'the loop')}{signature}", []
    made, missing = _made_up(loop, left)
    if missing:
        written = ", ".join(f"{each!r}: ..." for each in left)
        problems.append(f"{call} takes {missing}: write args={{{written}}}, {OTHERWISE}")
    positional = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_ONLY and p.default is p.empty]
    if positional:
        problems.append(f"{call} takes {', '.join(positional)} by position alone: give call=, a function that takes the text by name")
    return made, problems


def carrier_of(named: Mapping[str, inspect.Parameter], usual: Iterable[str], *, any_type: bool = False) -> str:
    """The parameter of a usual name; "" where there is none that could be a text or a number."""
    return next((name for name in usual if name in named and (any_type or _is_id(named[name]))), "")


def is_number(parameter: inspect.Parameter) -> bool:
    return _written(parameter).startswith("int")


def _prompt(named: Mapping[str, inspect.Parameter], free: list[str]) -> str:
    """The parameter of a usual name, else the first one that has to be given; "" where there is none."""
    usual = next((name for name in PROMPTS if name in free), "")
    required = (name for name in free if named[name].default is inspect.Parameter.empty)
    return usual or next(required, "")


def _is_list(parameter: inspect.Parameter | None) -> bool:
    if parameter is None:
        return False
    return _written(parameter).startswith(("list", "sequence", "iterable")) or (
        parameter.annotation is parameter.empty and parameter.name in ("messages", "history")
    )


def _is_id(parameter: inspect.Parameter) -> bool:
    """May it be a text or a number, and no object?"""
    return parameter.annotation is parameter.empty or bool(re.search(r"\b(str|int|any|object)\b", _written(parameter)))


def _written(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    written = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return str(annotation if "[" in str(annotation) else written).lower().removeprefix("typing.")


def _made_up(loop: Loop, names: list[str]) -> tuple[dict[str, Any], str]:
    """Values for what the loop takes beside, and which of it none can be made for."""
    interface = interface_of(loop.entry)
    parameters = tuple(parameter for parameter in interface.parameters if parameter.name in names)
    shown = Tool(loop.name, loop.entry, loop.is_async, loop.source, interface=lambda: Interface("", parameters))
    try:
        return arguments_for(shown), ""
    except CannotMake as reason:
        return {}, str(reason).partition(": write args=")[0]


def _counts(given: Mapping[str, Any]) -> Iterator[str]:
    for name, unit in COUNTS.items():
        value = given.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            example = 60 if unit == "calls" else "50_000"
            yield f"{name}={value!r} is no positive whole number of {unit}. Write such as {name}={example}"


def _callable(name: str, value: object) -> object:
    found = imported(value) if isinstance(value, str) else value
    if not callable(found):
        does = "approves of a call, as approve(tool_name, arguments)" if name == "approve" else "takes the user's text"
        raise Misuse(f"{name}={value!r} is no callable. Give a function that {does}")
    return found


def _backend(value: object) -> object:
    from pytest_agentready.world.backend import Backend, BackendError

    try:
        return Backend.parse(value)
    except BackendError as error:
        raise Misuse(*error.problems) from None


def _contradictions(known: Stated, given: Mapping[str, Any]) -> Iterator[str]:
    for name in (*COUNTS, *PARAMETERS):
        if name in given and name in known.facts and known.facts[name] != given[name]:
            yield (
                f"{name}={given[name]!r} contradicts {name}={known.facts[name]!r} in the mark of the same loop on {known.node}. "
                f"Write the same {name} in both"
            )


def _unknown_fact(name: str) -> str:
    known = ("loop", *FACTS)
    return f"there is no argument {name!r}.{did_you_mean(name, known)} Known: {', '.join(known)}"
