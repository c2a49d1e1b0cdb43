"""Which names of a module are its own, and what the tools behind a target are called."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType

from pytest_agentready.collect.imports import Misuse
from pytest_agentready.domain import did_you_mean


def public(module: ModuleType, target: str) -> list[str]:
    """The names that `__all__` lists; without it those that the module binds itself and that do not begin with `_`. Raises Misuse."""
    if (listed := getattr(module, "__all__", None)) is not None:
        if missing := [name for name in listed if not hasattr(module, name)]:
            name = missing[0]
            raise Misuse(f"{target!r}: {module.__name__}.__all__ lists {name!r}, which is not there.{did_you_mean(name, dir(module))}")
        return [str(name) for name in listed]
    bound, borrowed = _bindings(module)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and (name in bound or (name not in borrowed and getattr(value, "__module__", "") == module.__name__))
    ]


def _bindings(module: ModuleType) -> tuple[set[str], set[str]]:
    """The names that the module's code defines or assigns, and those that it only imports."""
    try:
        waiting: list[ast.AST] = [*ast.parse(inspect.getsource(module)).body]
    except (OSError, TypeError, SyntaxError):
        return set(), set()
    bound: set[str] = set()
    imported: set[str] = set()
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound.add(node.name)
            case ast.Import() | ast.ImportFrom():
                imported |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            case ast.Name(id=name, ctx=ast.Store()):
                bound.add(name)
            case _:
                waiting += ast.iter_child_nodes(node)
    return bound, imported - bound


def beside(module: ModuleType) -> str:
    """Where else its tools may be."""
    below = [f"{module.__name__}.{info.name}" for info in pkgutil.iter_modules(getattr(module, "__path__", ()))]
    if below:
        return f"Name the module that has them: {', '.join(below)}"
    return "What it imports counts where `__all__` lists it; one tool is named as module:name"


def word(key: str) -> str:
    """A key as a part of a node's id."""
    return re.sub(r"[^\w.-]+", "_", key)


def distinct(wanted: Sequence[tuple[str, str]], taken: Iterable[str]) -> Iterator[str]:
    """A name for each pair of a name and a key, each its own: where a name is not, its key or a number is added."""
    times = Counter(name for name, _ in wanted)
    used = set(taken)
    for name, key in wanted:
        options = [f"{name}-{word(key)}"] if times[name] > 1 and key else [name]
        options += [f"{options[0]}-{number}" for number in range(2, len(wanted) + len(used) + 2)]
        found = next(option for option in options if option not in used)
        used.add(found)
        yield found
