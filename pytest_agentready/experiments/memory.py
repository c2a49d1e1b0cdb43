"""What the user's own modules remember in plain containers: looked at before and after a call, and put back.

The modules are those that the code of the calls names, and those that these name in turn; in them the dicts, sets and lists, also
within each other and within the user's own objects. What a database or a cache of a library's own keeps is none of it.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import enum
import functools
import inspect
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSet, Set
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from pytest_agentready.domain import ADDRESS
from pytest_agentready.experiments.only_data import Memento, memento
from pytest_agentready.experiments.reach import function_of, named
from pytest_agentready.world.stack import is_users_file

DEPTH = 4  # of containers and objects within each other
MANY = 3_000  # objects that are looked at in all
LONG = 2_000  # items of a container that is no store of approvals
SHOWN = 400  # characters of an item

NoneType = type(None)
PATTERNS = "pytest_agentready.patterns."
KINDS = (dict, set, list, deque, defaultdict, Counter, OrderedDict)  # what can be put back
DATES = (datetime.date, datetime.time, datetime.timedelta)
SCALARS = (str, bytes, int, float, tuple, frozenset, NoneType, enum.Enum, decimal.Decimal, *DATES)  # bool among them
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

    def __init__(self, calls: Iterable[Callable[..., Any] | None], *, keepers: bool = False) -> None:
        """With what breakers, limiters and caches of libraries hold, where `keepers` is set: a loop is called at the same moment again,
        a tool ten minutes after the last time."""
        self._keepers = keepers
        self._modules: dict[str, ModuleType] = {}
        self._others: list[tuple[str, Any]] = []  # what belongs to a call itself: its object, its closure
        self._first: _State | None = None
        for call in calls:
            if call is not None:
                self._look_around(call)
        self._without_results = [function for function in self._caches() if not function.cache_info().currsize]

    @property
    def held(self) -> Iterator[Any]:
        """What the names of these modules stand for, and what belongs to the calls themselves."""
        yield from (value for _, value in self._roots())

    def snapshot(self) -> Snapshot:
        found = _Search(self._roots()).found
        return {place: items for place, container in found.items() if (items := _items(container)) is not None}

    @contextlib.contextmanager
    def restored(self, emptied: Iterable[str] = ()) -> Iterator[None]:
        """Afterwards the containers hold what they held, and numbers and texts are what they were; meanwhile these hold nothing of it."""
        found, state = self._state()
        self._first = self._first or state
        for place in emptied:
            if type(found.get(place)) in KINDS:
                found[place].clear()
        try:
            yield
        finally:
            state.put_back()

    @contextlib.contextmanager
    def rewound(self) -> Iterator[None]:
        """As `restored`, and meanwhile they begin with what they held when that was first asked for: before the examination."""
        with self.restored():
            if self._first is not None:
                self._first.put_back()
            yield

    def spaces(self) -> Iterator[MutableMapping[Any, Any] | type]:
        """Where names stand for what is kept: modules, objects, classes, and dicts."""
        search = _Search(self._roots())
        for module in self._modules.values():
            yield vars(module)
            yield from (cls for cls in list(vars(module).values()) if inspect.isclass(cls) and cls.__module__ == module.__name__)
        yield from search.spaces
        yield from (container for container in search.found.values() if isinstance(container, MutableMapping))

    def _state(self) -> tuple[Mapping[str, Any], _State]:
        keepers: list[Memento] = []

        def keep(value: Any) -> Iterable[Any]:
            if (kept := memento(value, _is_of_user)) is None:
                return ()
            keepers.append(kept)
            return kept.users

        search = _Search(self._roots(), keep if self._keepers else None)
        spaces = [vars(module) for module in self._modules.values()] + search.spaces
        containers = [(container, container.copy()) for container in search.found.values() if type(container) in KINDS]
        return search.found, _State(containers, [(space, _bindings(space)) for space in spaces], keepers)

    def forget_results(self) -> None:
        """What functools has kept of calls (`lru_cache`, `cache`) since this memory was made, in functions that had kept none before."""
        for function in self._without_results:
            function.cache_clear()

    def _caches(self) -> Iterator[Any]:
        for module in self._modules.values():
            held = list(vars(module).values())
            held += [part for cls in held if inspect.isclass(cls) and cls.__module__ == module.__name__ for part in vars(cls).values()]
            yield from (value for value in held if isinstance(value, functools._lru_cache_wrapper))

    def _look_around(self, call: Any) -> None:
        function = function_of(call)
        variables = getattr(getattr(function, "__code__", None), "co_freevars", ())
        for variable, cell in zip(variables, getattr(function, "__closure__", None) or (), strict=False):
            with contextlib.suppress(ValueError):  # an empty cell
                self._others.append((f"{_name(call)}.<closure>.{variable}", cell.cell_contents))
        defaults = (*(getattr(function, "__defaults__", None) or ()), *(getattr(function, "__kwdefaults__", None) or {}).values())
        self._others += [(f"{_name(call)}.<default {number}>", value) for number, value in enumerate(defaults)]
        if (owner := getattr(call, "__self__", None)) is not None or not inspect.isroutine(call):
            held = call if owner is None else owner
            self._others.append((f"{type(held).__module__}.{type(held).__qualname__}", held))
        self._look_at_home(function)
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


@dataclass(frozen=True, slots=True)
class _State:
    """What there was at one moment."""

    containers: list[tuple[Any, Any]]  # each with a copy of it
    bindings: list[tuple[dict[str, Any], dict[str, Any]]]  # each space of names with those that stand for a value
    keepers: list[Memento]

    def put_back(self) -> None:
        for container, copy in self.containers:
            try:
                if len(container) != len(copy) or container != copy:
                    container.clear()
                    (container.extend if isinstance(container, (list, deque)) else container.update)(copy)
            except Exception:  # a comparison of the user's own, or an item that another thread has taken
                continue
        for space, bindings in self.bindings:
            _bind_again(space, bindings)
        for kept in self.keepers:
            if memento(kept.value, _is_of_user) is not None:  # nothing has tied it to the outside meanwhile
                kept.put_back()


class _Search:
    """`keep` is shown each object of a library, and says which objects of the user's are in it."""

    def __init__(self, roots: Iterable[tuple[str, Any]], keep: Callable[[Any], Iterable[Any]] | None = None) -> None:
        self.found: dict[str, Any] = {}
        self.spaces: list[dict[str, Any]] = []  # the attributes of the user's objects
        self._seen: set[int] = set()
        self._budget = MANY
        self._keep = keep
        for place, value in roots:
            self._look(place, value, 0)

    def _look(self, place: str, value: Any, depth: int) -> None:
        if isinstance(value, PLAIN) or id(value) in self._seen or depth > DEPTH or self._budget <= 0:
            return
        self._seen.add(id(value))
        self._budget -= 1
        if self._keep is not None and _is_of_library(value):
            for number, part in enumerate(self._keep(value)):
                self._look(f"{place}.<{number}>", part, depth + 1)
        elif isinstance(value, (list, deque, MutableMapping, MutableSet)):
            self.found[place] = value
            with contextlib.suppress(Exception):
                parts = value.items() if isinstance(value, Mapping) else enumerate(value) if not isinstance(value, Set) else ()
                for key, part in list(parts)[:LONG]:
                    if not isinstance(part, PLAIN):
                        self._look(f"{place}[{key!r}]", part, depth + 1)
        elif _is_of_user(value if inspect.isclass(value) else type(value)):  # its attributes are what the user's code remembers
            if type(attributes := getattr(value, "__dict__", None)) is dict:
                self.spaces.append(attributes)
            for key, part in list(getattr(value, "__dict__", {}).items()):
                if not key.startswith("__"):
                    self._look(f"{place}.{key}", part, depth + 1)


def _is_of_user(kind: type) -> bool:
    return _is_users(sys.modules.get(kind.__module__))


def _is_of_library(value: Any) -> bool:
    """An object, and no class, of one, or of the standard library."""
    return type(value) not in (*KINDS, tuple, frozenset) and not isinstance(value, type) and not _is_of_user(type(value))


def _bindings(space: Mapping[str, Any]) -> dict[str, Any]:
    """The names that stand for a value, and not for a function, a class or a client."""
    return {name: value for name, value in list(space.items()) if isinstance(value, SCALARS) or type(value) in KINDS}


def _bind_again(space: dict[str, Any], bindings: Mapping[str, Any]) -> None:
    """What a name stands for now is replaced only where it is a value of the same sort: a client that was made meanwhile stays."""
    for name, value in bindings.items():
        now = space.get(name, value)
        if now is not value and (isinstance(now, SCALARS) if isinstance(value, SCALARS) else type(now) in KINDS):
            space[name] = value


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
