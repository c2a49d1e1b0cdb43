"""What a marker says, read and checked, and made into a Tool; everything that is wrong with it is said at once."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, get_args

import pytest

from pytest_agentready.arguments.annotations import signature_of
from pytest_agentready.arguments.plausible import CannotMake, arguments_for
from pytest_agentready.arguments.schema import interface_of
from pytest_agentready.collect.conduct import CONDUCT, SAID, read_conduct
from pytest_agentready.collect.imports import Misuse, imported, raised
from pytest_agentready.domain import Facts, Interface, Kind, Tool, did_you_mean, shortened, some_of
from pytest_agentready.registry import Registry, Unloadable

MARK = "agent_tool"
FACTS = ("args", "backend", "timeout", "kind", "result_budget", *CONDUCT)
SHOWN = 120  # characters of what is no tool
SINGLE = ("timeout", "kind", "result_budget", *SAID)  # a tool has one of each, whichever test states it


@dataclass(frozen=True, slots=True)
class Stated:
    """A tool, with what its mark said about it word for word, and the test that said it."""

    tool: Tool
    subject: object
    facts: Mapping[str, object]
    node: str


@dataclass
class Marks:
    """The marks that one session has read. Equal marks give the same Tool: its experiments are made once."""

    registry: Registry
    stated: list[Stated] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)  # the names of those that marks or targets bring

    def tool(self, definition: pytest.Item, *, needs_args: bool = True) -> Tool:
        """The tool of this test's mark; a test that calls it itself need not say its arguments in the mark. Raises Misuse."""
        mark = closest_mark(definition, MARK)
        given = {name: mark.kwargs[name] for name in FACTS if mark.kwargs.get(name) is not None}
        problems = [_unknown_fact(name) for name in mark.kwargs if name not in ("tool", *FACTS)]
        problems += _read_limits(given)
        try:
            subject = _subject(mark)
            tool = self.adapted(subject)
        except Misuse as misuse:
            raise Misuse(*misuse.args, *problems, *_facts(Facts(), given)[1]) from None
        given, misfits = _read_args(given, tool) if needs_args or "args" in given else (given, [])
        given, unlike = read_conduct(given, tool)
        problems += [*misfits, *unlike]
        for known in self.stated:
            if same_object(known.subject, subject):
                if not problems and equal(known.facts, given):
                    return known.tool
                problems += _contradictions(known, given)
        facts, wrong = _facts(tool.facts, given)
        if found := [*problems, *wrong]:
            raise Misuse(*dict.fromkeys(found))
        tool = replace(tool, facts=facts, loops=self._loops)
        self.stated.append(Stated(tool, subject, given, definition.nodeid))
        return tool

    def with_arguments(self, tool: Tool) -> Tool:
        """A tool that no mark speaks of, with arguments. Raises Misuse where it cannot be called without being told."""
        given, problems = _read_args({}, tool)
        if problems:
            raise Misuse(*problems)
        return replace(tool, facts=replace(tool.facts, **given), loops=self._loops)

    def _loops(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.loops))

    def adapted(self, subject: object) -> Tool:
        """The tool as the first adapter makes it out that knows such objects. Raises Misuse."""
        if owner := _class_of(subject):
            name = getattr(subject, "__name__", "")
            raise Misuse(f"{owner}.{name} is a method without its object. Name that of an object, such as tool={owner}(...).{name}")
        try:
            for adapt in self.registry.adapters:
                if (tool := adapt(subject)) is not None:
                    return tool if tool.interface is not Interface else replace(tool, interface=cache(partial(interface_of, tool.call)))
        except Unloadable as failure:  # an adapter of a third party
            raise Misuse(str(failure)) from failure
        if inspect.iscoroutine(subject):
            subject.close()  # it will never be awaited, and Python would warn of it
        remedy = (
            f"Name the function that it holds, its .{held}" if (held := _held(subject)) else "Name the function itself, not what it returns"
        )
        raise Misuse(f"{shortened(repr(subject), SHOWN)} is no callable. {remedy}")


def _held(subject: object) -> str:
    """The attribute in which an object, such as a framework's tool, keeps the function that it was made of; "" without one."""
    values = getattr(subject, "__dict__", None) or {}
    return next((name for name, value in values.items() if inspect.isroutine(value) and not name.startswith("_")), "")


def _class_of(subject: object) -> str:
    """The class whose method this is, where its object is missing; "" for all else."""
    if not inspect.isfunction(subject):
        return ""
    signature = signature_of(subject)
    if signature is None or next(iter(signature.parameters), "") != "self":
        return ""
    owner = subject.__qualname__.rpartition(".")[0].rpartition(".")[2]
    return "" if owner == "<locals>" else owner


def closest_mark(definition: pytest.Item, name: str) -> pytest.Mark:
    """The closest mark of this name. Raises Misuse where two stand in the same place: one of them would be ignored."""
    found = list(definition.iter_markers_with_node(name))
    owner = found[0][0]
    marks = [mark for node, mark in found if node is owner]
    if isinstance(owner, pytest.Class):  # its bases' marks come with it, and come first
        own = vars(owner.obj).get("pytestmark", [])
        own = [mark for mark in (own if isinstance(own, list) else [own]) if mark.name == name]
        marks = [marks[-1]] if len(own) < 2 else marks
    if len(marks) > 1:
        raise Misuse("two marks stand in one place, and only one could count. Write one test for each")
    return marks[0]


def _subject(mark: pytest.Mark) -> object:
    if len(mark.args) + ("tool" in mark.kwargs) > 1:
        raise Misuse(
            "it is given more than one positional argument or tool. Write one test per tool, `tool=send_email`, and all else by name"
        )
    if not mark.args and "tool" not in mark.kwargs:
        raise Misuse("it names no tool. Write `@pytest.mark.agent_tool(tool=send_email)`")
    subject = mark.args[0] if mark.args else mark.kwargs["tool"]
    return imported(subject) if isinstance(subject, str) else subject


def _read_args(given: dict[str, Any], tool: Tool) -> tuple[dict[str, Any], list[str]]:
    """The facts with `args` as a tuple of dicts that fit the tool, made up where the mark gives none, and what is wrong with them."""
    signature = signature_of(tool.call)
    name = getattr(tool.call, "__name__", "the tool")
    if "args" not in given:
        try:
            made = arguments_for(tool)
        except CannotMake as reason:
            return given, [f"it gives no args, and none can be made up for {name}{signature}: {reason}"]
        return given | {"args": (made,), "generated": bool(made)}, []
    try:
        sets = _argument_sets(given["args"])
    except Misuse as misuse:
        return {name: fact for name, fact in given.items() if name != "args"}, list(misuse.args)
    problems = []
    for number, arguments in enumerate(sets):
        label = "args" if len(sets) == 1 else f"args[{number}]"
        if misfits := _misfits(signature, arguments) if signature else []:
            problems.append(f"{label} does not fit {name}{signature}: {', '.join(misfits)}")
    return given | {"args": tuple(_with_defaults(tool, arguments) for arguments in sets)}, problems


def _with_defaults(tool: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
    """With what only a framework would fill in: Python takes `limit: int = Field(10)` for a default that is a Field."""
    signature = signature_of(tool.call)
    if signature is None or not any(type(p.default).__name__ == "FieldInfo" for p in signature.parameters.values()):
        return arguments
    return {p.name: p.default for p in tool.interface().parameters if p.left_to_framework} | arguments


def _argument_sets(value: object) -> tuple[dict[str, Any], ...]:
    origin = "args"
    if callable(value):
        origin = f"args: {getattr(value, '__name__', 'the callable')}()"
        try:
            value = value()
        except Exception as failure:
            raise Misuse(f"{origin} raised {raised(failure)}") from failure
        if inspect.iscoroutine(value):
            value.close()  # it will never be awaited, and Python would warn of it
    sets = (value,) if isinstance(value, Mapping) else value
    if not isinstance(sets, (list, tuple)):
        raise Misuse(f"{origin} gives {value!r}. Give a dict of the tool's arguments, a list of such dicts, or a callable that returns one")
    if not sets:
        raise Misuse(f"{origin} is an empty list: the tool would never be called. Give at least one dict of its arguments")
    if wrong := [f"{origin}[{number}] is {one!r}" for number, one in enumerate(sets) if not isinstance(one, Mapping)]:
        raise Misuse(f"{some_of(wrong)}. Give a dict of the tool's arguments in its place")
    return tuple(dict(one) for one in sets)


def _misfits(signature: inspect.Signature, arguments: Mapping[str, Any]) -> list[str]:
    try:
        signature.bind(**arguments)
    except TypeError as refusal:
        named = [p for p in signature.parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        names = [p.name for p in named]
        open_ended = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
        misfits = [f"{p.name!r} is missing" for p in named if p.default is p.empty and p.name not in arguments]
        for name in arguments:
            if name not in names and not open_ended:
                misfits.append(f"there is no parameter {name!r}.{did_you_mean(str(name), names)}".removesuffix("."))
        return misfits or [str(refusal)]
    return []


def _read_limits(given: Mapping[str, Any]) -> Iterator[str]:
    timeout = given.get("timeout", 1)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < math.inf:
        yield f"timeout={timeout!r} is no positive number of seconds. Write such as timeout=5"
    budget = given.get("result_budget", 1)
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 1:
        yield f"result_budget={budget!r} is no positive whole number of tokens. Write such as result_budget=4_000"
    kinds = get_args(Kind)
    if given.get("kind", "api") not in kinds:
        yield f"kind={given['kind']!r} is unknown. Write {' or '.join(f'kind={kind!r}' for kind in kinds)}"


def _facts(declared: Facts, given: Mapping[str, Any]) -> tuple[Facts, tuple[str, ...]]:
    """What the framework's object declares, overruled by what the mark says."""
    if "backend" not in given:
        return replace(declared, **given), ()
    from pytest_agentready.world.backend import Backend, BackendError

    try:
        return replace(declared, **{**given, "backend": Backend.parse(given["backend"])}), ()
    except BackendError as error:
        return declared, error.problems


def _contradictions(known: Stated, given: Mapping[str, Any]) -> Iterator[str]:
    for name in SINGLE:
        if name in given and name in known.facts and known.facts[name] != given[name]:
            yield (
                f"{name}={given[name]!r} contradicts {name}={known.facts[name]!r} in the mark of the same tool on {known.node}. "
                f"Write the same {name} in both"
            )


def same_object(one: object, other: object) -> bool:
    return one is other or (inspect.ismethod(one) and one == other)


def equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # arrays and their like do not compare to one truth
        return False


def _unknown_fact(name: str) -> str:
    known = ("tool", *FACTS)
    return f"there is no argument {name!r}.{did_you_mean(name, known)} Known: {', '.join(known)}"
