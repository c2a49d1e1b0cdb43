"""Plain Python: functions, methods, partials and callable objects."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from pytest_agentready.arguments.schema import interface_of
from pytest_agentready.domain import Tool


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


def _is_async(obj: Any, function: Any) -> bool:
    """A decorator that hides its coroutine still returns one: the call's own result decides then."""
    outer = obj.func if isinstance(obj, functools.partial) else obj
    return inspect.iscoroutinefunction(outer) or inspect.iscoroutinefunction(function)


def _name(obj: Any, function: Any) -> str:
    module = getattr(function, "__module__", None) or type(obj).__module__
    name = getattr(function, "__qualname__", None) or type(obj).__qualname__
    return f"{module}.{name.replace('.<locals>', '')}"


def _source(function: Any) -> str:
    code = getattr(function, "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}"
    try:
        return f"{inspect.getsourcefile(function)}:{inspect.getsourcelines(function)[1]}"
    except (TypeError, OSError):
        return ""
