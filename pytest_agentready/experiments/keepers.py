"""What belongs to a call itself, and not to its module: the object of a method, what a function closes over, its arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_agentready.arguments.names import whole
from pytest_agentready.domain import Loop
from pytest_agentready.experiments.reach import function_of

NoneType = type(None)
WHO = whole(
    r"users?|customers?|accounts?|client_?id|tenants?|sessions?|conversations?|threads?|chats?|members?|owners?|identity|auth|authorization|token|who",
    r"(?:user|customer|account|tenant|session|conversation|thread|chat|member|owner|auth)(?:id|name|key|info|data|token)",
)
DEPTH = 6
MANY = 2_000  # objects that are looked at


def keeper_of(loop: Loop, text: str) -> str:
    """Which of them holds this text, in words; "" for none."""
    return next((f"{name} keeps it" for name, value in _kept(loop) if _holds(value, text.lower(), 0, set())), "")


def namer_of(loop: Loop) -> str:
    """What among its arguments may say who asks, and is the same in each call; "" for nothing."""
    for name, value in loop.facts.args.items():
        if WHO.search(name) or not isinstance(value, (bool, int, float, str, NoneType)):
            return f"args[{name!r}], which may say who asks, is the same for both"
    return ""


def _kept(loop: Loop) -> Iterator[tuple[str, Any]]:
    call = loop.entry
    while isinstance(call, functools.partial):
        for given in (*call.args, *call.keywords.values()):
            yield f"the {type(given).__name__} that its call is given", given
        call = call.func
    owner = getattr(call, "__self__", None)
    if owner is None and not inspect.isroutine(call) and not inspect.isclass(call):
        owner = call
    if owner is not None and not inspect.isclass(owner) and not inspect.ismodule(owner):
        yield f"the {type(owner).__name__} of its call", owner
    function = function_of(call)
    if getattr(function, "__closure__", None):
        for name, value in inspect.getclosurevars(function).nonlocals.items():
            yield f"{name}, which the function closes over,", value
    for name, value in loop.facts.args.items():
        yield f"args[{name!r}]", value


def _holds(value: Any, text: str, depth: int, seen: set[int]) -> bool:
    if isinstance(value, str):
        return text in value.lower()
    if depth > DEPTH or len(seen) > MANY or id(value) in seen or value is None or isinstance(value, (int, float, bytes, type)):
        return False
    seen.add(id(value))
    if isinstance(value, Mapping):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)) or type(value).__name__ == "deque":
        parts = list(value)
    elif inspect.isroutine(value) or inspect.ismodule(value):
        return False
    else:
        parts = list(getattr(value, "__dict__", {}).values())
        parts += [getattr(value, name, None) for name in _slots(value)]
    return any(_holds(part, text, depth + 1, seen) for part in parts)


def _slots(value: Any) -> list[str]:
    found = [getattr(cls, "__slots__", ()) for cls in type(value).__mro__]
    return [name for slots in found for name in ((slots,) if isinstance(slots, str) else slots)]
