"""Objects of libraries that are nothing but what they remember: breakers, limiters and caches are, clients and pools are not.

All that such an object holds, and what this holds in turn, is values, containers, code and locks. One thing that is more (a connection, a
file, a context of TLS, whatever a module in C keeps to itself) ties it to the outside, and to put back its numbers and lists alone would
be to lie to it. Threads and event loops are code that runs: a thread counts by what it is at work on.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import datetime
import decimal
import enum
import functools
import io
import itertools
import logging
import operator
import re
import selectors
import sys
import threading
import types
import uuid
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MANY = 3_000  # objects within one, values not counted: to look at more takes long
KINDS = 1_000  # classes of which is known what they are

VALUES: tuple[type, ...] = (str, bytes, bytearray, int, float, complex, range, slice, type(None), type(...), enum.Enum, BaseException)
VALUES += (datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, decimal.Decimal, uuid.UUID, re.Pattern)
VALUES += (itertools.count, weakref.ref, contextvars.ContextVar, contextvars.Context)  # nothing to put back, and no tie
CODE: tuple[type, ...] = (type, types.ModuleType, types.FunctionType, property, staticmethod, classmethod, functools._lru_cache_wrapper)
CODE += (asyncio.AbstractEventLoop, asyncio.Future, logging.Logger, operator.attrgetter, operator.itemgetter, operator.methodcaller)
LOCKS: tuple[type, ...] = (type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Semaphore, threading.Event)
LOCKS += (asyncio.Lock, asyncio.Condition, asyncio.Semaphore, asyncio.Event)
NEUTRAL = (*VALUES, *CODE, *LOCKS)
BOUND = (types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType)
CONTAINERS = (dict, list, tuple, set, frozenset, deque)
OF_ALL_THREADS = frozenset(vars(threading.Thread(name="none")))  # attributes


def memento(value: Any, is_users: Callable[[type], bool]) -> Memento | None:
    """What it holds now; None where it is tied to the outside. Objects of the user's own in it are left to whoever looks at those."""
    parts: list[_Part] = []
    seen: dict[int, Any] = {}
    users: list[Any] = []
    waiting = deque([value])
    while waiting:
        one = waiting.popleft()
        kind: Any = type(one)
        if _is_neutral(kind) or id(one) in seen:
            continue
        seen[id(one)] = one
        if one is not value and is_users(kind):
            users.append(one)
        elif (behind := _behind(one)) is not None:
            waiting += behind
        elif len(seen) > MANY or _is_opaque(kind):
            return None
        else:
            parts.append(part := _Part(one, _items(one), dict(_attributes(one)), _slots(one)))
            waiting += part.holds
    return Memento(value, parts, users)


@dataclass(frozen=True, slots=True)
class Memento:
    """An object of a library at one moment, with all that is in it."""

    value: Any
    parts: Sequence[_Part]
    users: Sequence[Any]  # what is in it, and of a class of the user's own

    def put_back(self) -> None:
        for part in self.parts:
            with contextlib.suppress(Exception):  # an item that another thread has taken
                part.put_back()


@dataclass(frozen=True, slots=True)
class _Part:
    value: Any
    items: Any  # of a container
    attributes: Mapping[str, Any]
    slots: Mapping[Any, Any]

    @property
    def holds(self) -> Iterator[Any]:
        if isinstance(self.items, dict):
            yield from self.items
            yield from self.items.values()
        elif self.items is not None:
            yield from self.items
        yield from self.attributes.values()
        yield from self.slots.values()

    def put_back(self) -> None:
        if self.items is not None and not _are_same(_items(self.value), self.items):
            _refill(self.value, self.items)
        now = _attributes(self.value)
        now.update(self.attributes)
        for name in now.keys() - self.attributes.keys():
            del now[name]
        for slot in _slots(self.value).keys() - self.slots.keys():
            slot.__delete__(self.value)
        for slot, held in self.slots.items():
            slot.__set__(self.value, held)


@functools.lru_cache(maxsize=KINDS)
def _is_neutral(kind: Any) -> bool:
    return issubclass(kind, NEUTRAL)


@functools.lru_cache(maxsize=KINDS)
def _is_opaque(kind: Any) -> bool:
    """Have its objects a state that Python does not show? It comes of the first of its classes, where Python has not made that."""
    root = kind
    while root.__base__ not in (object, None):
        root = root.__base__
    made_in_python = root is object or "__dict__" in vars(root) or "__slots__" in vars(root)
    return issubclass(kind, io.IOBase) or not (made_in_python or root in CONTAINERS or issubclass(kind, threading.local))


def _behind(value: Any) -> Iterable[Any] | None:
    """What code holds that is bound, or runs; None for anything else."""
    if isinstance(value, BOUND):
        return [value.__self__]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, threading.Thread):
        own = [held for name, held in vars(value).items() if name not in OF_ALL_THREADS]
        return [*own, *(held for frame in _frames_of(value) for held in frame.f_locals.values())]
    return None


def _frames_of(thread: threading.Thread) -> Iterator[types.FrameType]:
    """Up to an event loop, which has work of many."""
    frame = sys._current_frames().get(thread.ident or 0) if thread.is_alive() else None
    while frame is not None and not isinstance(frame.f_locals.get("self"), (asyncio.AbstractEventLoop, selectors.BaseSelector)):
        yield frame
        frame = frame.f_back


def _items(value: Any) -> Any:
    """Those of a container, whatever its class says that they are."""
    if isinstance(value, dict):
        return dict((OrderedDict if isinstance(value, OrderedDict) else dict).items(value))
    return list(value) if isinstance(value, CONTAINERS) else None


def _are_same(now: Any, before: Any) -> bool:
    if isinstance(before, dict):
        return _are_same(list(now), list(before)) and _are_same(list(now.values()), list(before.values()))
    return len(now) == len(before) and all(map(operator.is_, now, before))


def _refill(value: Any, items: Any) -> None:
    if isinstance(value, dict):
        kind: Any = OrderedDict if isinstance(value, OrderedDict) else dict
        kind.clear(value)
        for key, item in items.items():
            kind.__setitem__(value, key, item)
    elif isinstance(value, list):
        value[:] = items
    elif isinstance(value, (deque, set)):
        value.clear()
        (value.extend if isinstance(value, deque) else value.update)(items)


def _attributes(value: Any) -> dict[str, Any]:
    """Those that it has: no code of its class is asked."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}


def _slots(value: Any) -> dict[Any, Any]:
    """What each of them holds that holds anything."""
    found = {}
    kind: Any = type(value)
    for slot in _slots_of(kind):
        with contextlib.suppress(AttributeError):
            found[slot] = slot.__get__(value)
    return found


@functools.lru_cache(maxsize=KINDS)
def _slots_of(kind: Any) -> list[Any]:
    return [each for cls in kind.__mro__ for each in vars(cls).values() if isinstance(each, types.MemberDescriptorType)]
