"""SQLite tells of each statement, on the connections that the user's code keeps and on those that it makes.

It does so by its own trace, with the values in their places. Who listens may have a statement broken off before it changes anything.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pytest_agentready.world import stack

Listener = Callable[[str], bool]  # of the statement; True: it is not to go on
MANY = 5_000  # objects within a subject


@contextlib.contextmanager
def overheard(subject: object, listen: Listener) -> Iterator[None]:
    """The connections that the subject refers to, and all that are made meanwhile: no audit event gives these when they are ready."""
    import sqlite3.dbapi2 as sqlite3

    connect = sqlite3.connect
    older = _within(subject, sqlite3.Connection)
    names = [(vars(module), name) for module in tuple(sys.modules.values()) for name in _names_of(module, connect)]

    def traced(*args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        _trace(connection, listen)
        return connection

    for connection in older:
        _trace(connection, listen)
    for namespace, name in names:
        namespace[name] = traced
    try:
        yield
    finally:
        for namespace, name in names:
            namespace[name] = connect
        for connection in older:
            with contextlib.suppress(Exception):
                connection.set_trace_callback(None)
                connection.set_progress_handler(None, 0)


def _trace(connection: Any, listen: Listener) -> None:
    broken_off = False

    def starts(statement: str) -> None:
        nonlocal broken_off
        broken_off = listen(statement)

    with contextlib.suppress(Exception):  # it is closed, or another thread's
        connection.set_trace_callback(starts)
        connection.set_progress_handler(lambda: broken_off, 1)


def _names_of(module: Any, connect: Any) -> list[str]:
    """How this module calls it: a library by its own name, the user's code by any."""
    namespace = getattr(module, "__dict__", None) or {}
    if stack.is_users_file(namespace.get("__file__") or "<"):
        return [name for name, value in namespace.items() if value is connect]
    return ["connect"] if namespace.get("connect") is connect else []


def _within(subject: object, kind: type) -> list[Any]:
    """What the subject refers to of this kind, through the names in the user's code and objects of any, but not through libraries."""
    waiting = deque([subject])  # what is near comes first
    seen: set[int] = set()
    found: list[Any] = []
    while waiting and len(seen) < MANY:
        holder = waiting.popleft()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        if issubclass(type(holder), kind):
            found.append(holder)
        waiting += [referent for referent in _referents(holder) if gc.is_tracked(referent)]
    return found


def _referents(holder: Any) -> Iterable[Any]:
    """Of a module, a class or a function of the user's own, what its code may name; of those of a library nothing."""
    if isinstance(holder, FunctionType):
        if stack.is_librarys(holder.__code__):
            return ()
        known = [holder.__globals__[name] for name in _names(holder.__code__) if name in holder.__globals__]
        return [*known, *gc.get_referents(holder.__closure__ or (), holder.__dict__)]
    if isinstance(holder, (type, ModuleType)):
        module = sys.modules.get(holder.__module__) if isinstance(holder, type) else holder
        return tuple(vars(holder).values()) if stack.is_users_file(str(getattr(module, "__file__", None) or "<")) else ()
    return gc.get_referents(holder)


def _names(code: CodeType) -> set[str]:
    return set(code.co_names).union(*(_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)))
