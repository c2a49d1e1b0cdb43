"""Plain Python: functions, methods, partials and callable objects."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Iterator
from typing import Any

from pytest_agentready.arguments.schema import interface_of
from pytest_agentready.domain import Loop, Tool


def adapt(obj: object) -> Tool | None:
    """A tool of any callable; None for what cannot be called."""
    if not callable(obj):
        return None
    function = _underlying(obj)
    return Tool(
        name=_name(obj, function),
        call=obj,
        is_async=_is_async(obj, function),
        source=_source(function),
        interface=functools.cache(lambda: interface_of(obj, function)),
    )


def adapt_loop(obj: object) -> Loop | None:
    """A loop of any callable; None for what cannot be called."""
    if not callable(obj):
        return None
    function = _underlying(obj)
    return Loop(name=_name(obj, function), call=obj, is_async=_is_async(obj, function), source=_source(function))


def _underlying(obj: Any) -> Any:
    """The function that the user wrote, below partials, decorators and bound methods."""
    while True:
        if isinstance(obj, functools.partial):
            obj = obj.func
        elif inspect.ismethod(obj):
            obj = obj.__func__
        elif hasattr(obj, "__wrapped__"):
            obj = obj.__wrapped__
        elif not inspect.isroutine(obj) and not inspect.isclass(obj) and inspect.isfunction(type(obj).__call__):
            obj = type(obj).__call__
        else:
            return obj


def _is_async(obj: Any, function: Any, depth: int = 3) -> bool:
    """Also a wrapper without `functools.wraps` that holds an async function: it very likely returns what that one does."""
    outer = obj.func if isinstance(obj, functools.partial) else obj
    if any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (outer, function)):
        return True
    return depth > 0 and any(_is_async(held, _underlying(held), depth - 1) for held in (*_held(outer), *_held(function)))


def _held(wrapper: Any) -> Iterator[Any]:
    """The functions that it may call in turn: in its closure, or in the attributes of a callable object."""
    values: list[Any] = []
    for cell in getattr(wrapper, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # an empty cell
            values.append(cell.cell_contents)
    if not inspect.isroutine(wrapper) and not inspect.isclass(wrapper):
        values += getattr(wrapper, "__dict__", {}).values()
    yield from (value for value in values if inspect.isroutine(value) or isinstance(value, functools.partial))


def _name(obj: Any, function: Any) -> str:
    module = getattr(function, "__module__", None) or type(obj).__module__
    name = getattr(function, "__qualname__", None) or type(obj).__qualname__
    if name.endswith("<lambda>"):
        name = _name_of_lambda(module, name, function)
    return f"{module}.{name.replace('.<locals>', '')}"


def _name_of_lambda(module: str, name: str, function: Any) -> str:
    """The name that its module has for it; without one the line tells it from the others."""
    known = vars(sys.modules[module]) if module in sys.modules else {}
    bound = next((key for key, value in known.items() if value is function), "")
    return bound or name.replace("<lambda>", f"<lambda-{function.__code__.co_firstlineno}>")


def _source(function: Any) -> str:
    code = getattr(function, "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}"
    try:
        return f"{inspect.getsourcefile(function)}:{inspect.getsourcelines(function)[1]}"
    except (TypeError, OSError):
        return ""
