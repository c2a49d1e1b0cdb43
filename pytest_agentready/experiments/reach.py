"""What the code of a tool names: clients out of sight, and mocks that stand where a client should.

Only the user's own code is followed: the tool, the functions and objects that it names, and those that they name in turn.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any

from pytest_agentready.domain import Tool
from pytest_agentready.world import foreign, mocks
from pytest_agentready.world.stack import is_librarys

BLIND_SPOTS = foreign.UNSEEN
# Exceptions, and codes, of a row that is there already.
REFUSALS = ("UniqueViolation", "UniqueViolationError", "IntegrityError", "DuplicateKeyError", "23505", "1062")


def blind_spots(tool: Tool) -> tuple[str, ...]:
    """The clients that cannot be seen."""
    found: set[str] = set()
    out_of_sight = {*BLIND_SPOTS, *foreign.out_of_reach}
    for names, values in named(tool.call):
        found |= names & out_of_sight  # imported in the function itself
        for _, value in values:
            client = _home(value)
            if client in out_of_sight or (client in foreign.BY_TYPE and _is_made(value)):
                found.add(client)
    return tuple(name for name in (*BLIND_SPOTS, *foreign.ADAPTED) if name in found)


def mocked(tool: Tool) -> dict[str, Any]:
    """The mocks, each by the name that the code has for it, as `requests.get`."""
    found: dict[str, Any] = {}
    for names, values in named(tool.call):
        for name, value in values:
            if mocks.is_mock(value):
                found.setdefault(name, value)
            elif inspect.ismodule(value) or inspect.isclass(value):
                parts = ((part, vars(value)[part]) for part in sorted(names & vars(value).keys()))
                found |= {f"{name}.{part}": standing for part, standing in parts if mocks.is_mock(standing)}
    return found


def expected_refusal(tool: Tool) -> str:
    """By what the code knows that a database has refused a row that is there already; "" where it does not look."""
    names, codes = names_in(tool), {str(constant) for code in code_of(tool) for constant in code.co_consts}
    return next((word for word in REFUSALS if word in names or word in codes), "")


def names_in(tool: Tool) -> frozenset[str]:
    """All names in its code."""
    return frozenset().union(*(names for names, _ in named(tool.call)))


def named(call: Any) -> Iterator[tuple[set[str], list[tuple[str, Any]]]]:
    """For each function: the names in its code, and what those of them that are known stand for."""
    waiting: list[Any] = [function_of(call)]
    seen: set[int] = set()
    while waiting:
        function = waiting.pop()
        code, known = getattr(function, "__code__", None), getattr(function, "__globals__", {})
        if not isinstance(code, CodeType) or id(code) in seen:
            continue
        seen.add(id(code))
        names = _names(code)
        values = [(name, known[name]) for name in sorted(names) if name in known]
        yield names, values
        for _, value in values:
            if _home(value) in (*BLIND_SPOTS, *foreign.out_of_reach):
                continue
            owner = value if inspect.isclass(value) or inspect.ismodule(value) else type(value)
            parts = [part for name, part in vars(owner).items() if name in names or not inspect.ismodule(owner)]
            waiting += [part for part in map(function_of, [value, *parts]) if _is_users(part) and not mocks.is_mock(part)]


def _home(value: Any) -> str:
    home = getattr(value, "__module__", None) or getattr(value, "__name__", None) or type(value).__module__
    return str(home).partition(".")[0]


def _is_made(value: Any) -> bool:
    return not (inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value))


def function_of(value: Any) -> Any:
    while isinstance(value, functools.partial):
        value = value.func
    try:
        return inspect.unwrap(getattr(value, "__func__", value))
    except Exception:  # an object that has any attribute it is asked for, a mock's `call` say, seems to wrap itself
        return value


def _is_users(value: Any) -> bool:
    code = getattr(value, "__code__", None)
    return isinstance(code, CodeType) and not is_librarys(code)


def _names(code: CodeType) -> set[str]:
    """The global names of a function, and of the functions within it."""
    return set(code.co_names).union(*(_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)))


def code_of(tool: Tool) -> Iterator[CodeType]:
    """That of the tool, and of the user's own functions that it names."""
    functions = [getattr(tool.call, "__func__", tool.call)]
    functions += [value for _, values in named(tool.call) for _, value in values if inspect.isfunction(value) and _is_users(value)]
    waiting = [code for function in functions if isinstance(code := getattr(inspect.unwrap(function), "__code__", None), CodeType)]
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
