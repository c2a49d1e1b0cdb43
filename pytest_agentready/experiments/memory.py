"""What the user's own modules remember in plain containers: looked at before and after a call, and put back.

The modules are those that the code of the calls names, and those that these name in turn; in them the dicts, sets and lists, also
within each other and within the user's own objects. What a database or a cache of a library's own keeps is none of it.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSet, Set
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from pytest_agentready.domain import ADDRESS
from pytest_agentready.experiments.reach import function_of, named
from pytest_agentready.world.stack import is_users_file

DEPTH = 4  # of containers and objects within each other
MANY = 3_000  # objects that are looked at in all
LONG = 2_000  # items of a container that is no store of approvals
SHOWN = 400  # characters of an item

NoneType = type(None)
PATTERNS = "pytest_agentready.patterns."
KINDS = (dict, set, list, deque)  # what can be put back
PLAIN = (str, bytes, int, float, NoneType, ModuleType, FunctionType, MethodType, BuiltinFunctionType)
Snapshot = Mapping[str, Mapping[str, str]]  # container -> item -> what it holds


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that a call has left in memory."""

    place: str  # shop.tools.APPROVED
    item: str  # the key of a dict, or the member of a set or list, as Python writes it
    value: str = ""  # of a dict's key
    is_new: bool = True  # else it was there, and held something else


class Memory:
    """The containers that the code of these calls may write to."""

    def __init__(self, calls: Iterable[Callable[..., Any] | None]) -> None:
        self._modules: dict[str, ModuleType] = {}
        self._others: list[tuple[str, Any]] = []  # what belongs to a call itself: its object, its closure
        for call in calls:
            if call is not None:
                self._look_around(call)

    def snapshot(self) -> Snapshot:
        found = _Search(self._roots()).found
        return {place: items for place, container in found.items() if (items := _items(container)) is not None}

    @contextlib.contextmanager
    def restored(self, emptied: Iterable[str] = ()) -> Iterator[None]:
        """Afterwards the containers hold what they held; meanwhile these hold nothing of it."""
        found = _Search(self._roots()).found
        before = [(container, container.copy()) for container in found.values() if type(container) in KINDS]
        for place in emptied:
            if type(found.get(place)) in KINDS:
                found[place].clear()
        try:
            yield
        finally:
            for container, copy in before:
                try:
                    if len(container) != len(copy) or container != copy:
                        container.clear()
                        (container.extend if isinstance(container, (list, deque)) else container.update)(copy)
                except Exception:  # a comparison of the user's own, or an item that another thread has taken
                    continue

    def _look_around(self, call: Any) -> None:
        for cell in getattr(function_of(call), "__closure__", None) or ():
            with contextlib.suppress(ValueError):  # an empty cell
                self._others.append((f"{_name(call)}.<closure>", cell.cell_contents))
        if (owner := getattr(call, "__self__", None)) is not None or not inspect.isroutine(call):
            held = call if owner is None else owner
            self._others.append((f"{type(held).__module__}.{type(held).__qualname__}", held))
        self._look_at_home(function_of(call))
        for names, values in named(call):
            for value in (*(value for _, value in values), *filter(None, map(sys.modules.get, names))):  # imported in the function itself
                self._look_at_home(value)

    def _look_at_home(self, value: Any) -> None:
        """The module that this comes from."""
        name = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None) or type(value).__module__
        module = sys.modules.get(name) if isinstance(name, str) else None
        if module is not None and _is_users(module):
            self._modules[module.__name__] = module

    def _roots(self) -> Iterator[tuple[str, Any]]:
        yield from self._others
        for name, module in self._modules.items():
            for key, held in list(vars(module).items()):
                if not key.startswith("__"):
                    yield f"{name}.{key}", held


def added(before: Snapshot, after: Snapshot) -> tuple[Kept, ...]:
    """What is there now, and was not, or held something else."""
    return tuple(
        Kept(place, item, value, item not in before.get(place, {}))
        for place, items in after.items()
        for item, value in items.items()
        if before.get(place, {}).get(item) != value
    )


class _Search:
    def __init__(self, roots: Iterable[tuple[str, Any]]) -> None:
        self.found: dict[str, Any] = {}
        self._seen: set[int] = set()
        self._budget = MANY
        for place, value in roots:
            self._look(place, value, 0)

    def _look(self, place: str, value: Any, depth: int) -> None:
        if isinstance(value, PLAIN) or id(value) in self._seen or depth > DEPTH or self._budget <= 0:
            return
        self._seen.add(id(value))
        self._budget -= 1
        if isinstance(value, (list, deque, MutableMapping, MutableSet)):
            self.found[place] = value
            with contextlib.suppress(Exception):
                parts = value.items() if isinstance(value, Mapping) else enumerate(value) if not isinstance(value, Set) else ()
                for key, part in list(parts)[:LONG]:
                    if not isinstance(part, PLAIN):
                        self._look(f"{place}[{key!r}]", part, depth + 1)
        elif _is_users(sys.modules.get((value if inspect.isclass(value) else type(value)).__module__)):
            for key, part in list(getattr(value, "__dict__", {}).items()):
                if not key.startswith("__"):
                    self._look(f"{place}.{key}", part, depth + 1)


def _items(container: Any) -> dict[str, str] | None:
    try:
        if len(container) > LONG:
            return None
        if isinstance(container, Mapping):
            return {repr(key)[:SHOWN]: ADDRESS.sub("", repr(value))[:SHOWN] for key, value in list(container.items())}
        if isinstance(container, Set):
            return dict.fromkeys(sorted(repr(member)[:SHOWN] for member in list(container)), "")
        return {repr(member)[:SHOWN]: str(container.count(member)) for member in list(container)}
    except Exception:  # a __repr__ of the user's own
        return None


def _is_users(module: ModuleType | None) -> bool:
    """Or one of the patterns, which are code of the user's as soon as he imports them."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and (is_users_file(file) or getattr(module, "__name__", "").startswith(PATTERNS))


def _name(call: Any) -> str:
    function = function_of(call)
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__qualname__)}"
