"""What a call leaves behind in modules: the containers and plain objects that they keep at their top, before and after it.

Bounded: nothing deeper than a few levels, no more than some thousand items, and no object but the project's own.
"""

from __future__ import annotations

import sys
import types
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_agentready.world import stack

DEPTH = 4
MOST = 20_000  # items that are looked at, of all modules
LONG = 200  # characters of a value's text
PLAIN = (str, bytes, int, float, complex, bool, type(None))


@dataclass(frozen=True, slots=True)
class Change:
    """Of one thing that a module keeps."""

    name: str  # shop.tools.ORDERS
    added: tuple[str, ...] = ()  # keys, members, or places in a list, as texts
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()  # those that hold something else


class Snapshot:
    """Of some modules, at one moment."""

    def __init__(self, modules: tuple[types.ModuleType, ...], kept: dict[str, dict[str, str]]) -> None:
        self._modules = modules
        self._kept = kept

    @classmethod
    def take(cls, modules: Iterable[types.ModuleType]) -> Snapshot:
        found = tuple(modules)
        return cls(found, _kept(found))

    def changes(self) -> tuple[Change, ...]:
        """What is not as it was, by name."""
        now = _kept(self._modules)
        found = []
        for name in sorted(self._kept.keys() | now.keys()):
            before, after = self._kept.get(name, {}), now.get(name, {})
            added = tuple(key for key in after if key not in before)
            removed = tuple(key for key in before if key not in after)
            changed = tuple(key for key in after if key in before and before[key] != after[key])
            if added or removed or changed:
                found.append(Change(name, added, removed, changed))
        return tuple(found)


def modules_of(call: Any) -> tuple[types.ModuleType, ...]:
    """The module of a tool, and the user's own modules that it names, directly or by others."""
    first = sys.modules.get(getattr(call, "__module__", "") or "")
    found: dict[str, types.ModuleType] = {}
    waiting = [first] if first is not None else []
    while waiting:
        module = waiting.pop()
        if module.__name__ in found or not stack.is_users_file(str(getattr(module, "__file__", None) or "<")):
            continue
        found[module.__name__] = module
        for value in tuple(vars(module).values()):
            named = value if isinstance(value, types.ModuleType) else sys.modules.get(str(getattr(value, "__module__", "") or ""))
            if named is not None:
                waiting.append(named)
    return tuple(found.values())


def _kept(modules: Iterable[types.ModuleType]) -> dict[str, dict[str, str]]:
    """By the name of the thing, what it holds: each key with the text of its value."""
    found: dict[str, dict[str, str]] = {}
    budget = _Budget(MOST)
    seen: set[int] = set()
    for module in modules:
        for name, value in tuple(vars(module).items()):
            if name.startswith("__") or isinstance(value, (types.ModuleType, type, types.FunctionType)) or id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, PLAIN):
                found[f"{module.__name__}.{name}"] = {"": _text(value)}
                continue
            for place, content in _within(f"{module.__name__}.{name}", value, DEPTH, budget, {id(value)}):
                found[place] = content
    return found


class _Budget:
    def __init__(self, left: int) -> None:
        self.left = left

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def _within(name: str, value: Any, depth: int, budget: _Budget, above: set[int]) -> Iterator[tuple[str, dict[str, str]]]:
    """The thing itself, and the containers within it."""
    items = _items(value)
    if items is None:
        return
    content: dict[str, str] = {}
    inner: list[tuple[str, Any]] = []
    for key, item in items:
        if not budget.take():
            break
        if _items(item) is not None and depth > 1 and id(item) not in above:
            content[key] = type(item).__name__
            inner.append((key, item))
        else:
            content[key] = _text(item)
    yield name, content
    for key, item in inner:
        yield from _within(f"{name}[{key}]" if not _is_object(value) else f"{name}.{key}", item, depth - 1, budget, above | {id(item)})


def _items(value: Any) -> list[tuple[str, Any]] | None:
    """What it holds, by keys that can be compared between two processes; None for what holds nothing that can be seen."""
    if isinstance(value, Mapping):
        return [(_text(key), item) for key, item in tuple(value.items())]
    if isinstance(value, (list, tuple, deque)):
        return [(str(number), item) for number, item in enumerate(tuple(value))]
    if isinstance(value, (set, frozenset)):
        return [(text, None) for text in sorted(map(_text, value))]
    if _is_object(value):
        attributes = dict(getattr(value, "__dict__", {}))
        for cls in type(value).__mro__:
            slots = vars(cls).get("__slots__", ())
            attributes |= {name: getattr(value, name) for name in ((slots,) if isinstance(slots, str) else slots) if hasattr(value, name)}
        return list(attributes.items())
    return None


def _is_object(value: Any) -> bool:
    """An instance of a class of the user's own."""
    if isinstance(value, (type, types.ModuleType, types.FunctionType, types.MethodType)):
        return False
    module = sys.modules.get(type(value).__module__)
    return module is not None and stack.is_users_file(str(getattr(module, "__file__", None) or "<"))


def _text(value: Any, depth: int = DEPTH) -> str:
    """The same text for the same value, in another process too. Of an object that shows its address it is the class alone."""
    if isinstance(value, (set, frozenset, tuple, list)):
        if depth == 0:
            return f"{type(value).__name__} of {len(value)}"
        parts = [_text(part, depth - 1) for part in value]
        return f"{{{', '.join(sorted(parts))}}}" if isinstance(value, (set, frozenset)) else f"({', '.join(parts)})"
    if not isinstance(value, PLAIN) and getattr(type(value), "__repr__", None) is object.__repr__:
        return type(value).__qualname__
    try:
        text = repr(value)
    except Exception:  # a repr of the user's own
        return type(value).__qualname__
    return text if len(text) <= LONG else f"{text[:LONG]}... ({len(text)} characters, {zlib.crc32(text.encode('utf-8', 'replace')):x})"
