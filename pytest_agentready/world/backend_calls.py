"""The user's own code in a backend is called, and what is wrong with it is told as the test's mistake: by its key, and its line."""

from __future__ import annotations

import inspect
import struct
from collections.abc import Callable
from typing import Any

from pytest_agentready.world import stack
from pytest_agentready.world.ending import Signal

# What a function that writes a value raises where the value is of the wrong kind.
UNFIT = (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, struct.error)


class BackendFailed(Exception):
    """The user's own backend does not work; the verdict is about the test, not about the tool. `where` is the user's line, or ""."""

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"{what} ({where})" if where else what)
        self.what = what
        self.where = where


def call(key: str, function: Callable[..., Any], asked: object, what: str = "the request") -> Any:
    """What the user's function answers. Raises BackendFailed for whatever it raises, a `pytest.fail()` too."""
    try:
        found = function(asked)
    except BackendFailed:  # who answers for another backend has told it
        raise
    except BaseException as failure:
        if isinstance(failure, (Signal, KeyboardInterrupt, SystemExit)):
            raise
        raise raised(key, failure) from failure
    if inspect.iscoroutine(found):
        found.close()  # it will never be awaited, and Python would warn of it
        raise BackendFailed(f"its {name_of(key, function)} is async: give a plain function of {what}", line_of(function))
    return found


def raised(key: str, failure: BaseException) -> BackendFailed:
    said = f": {failure}" if str(failure) else ""
    return BackendFailed(f"its {key} raised {type(failure).__name__}{said}", stack.of_traceback(failure.__traceback__))


def answered(key: str, function: object, problem: str) -> BackendFailed:
    """A function gave what its protocol cannot carry."""
    return BackendFailed(f"its {name_of(key, function)} {problem}", line_of(function))


def written(write: Callable[[Any], Any], value: object) -> Any:
    """A value of the backend as its protocol writes it. Raises BackendFailed where it cannot."""
    try:
        return write(value)
    except UNFIT as problem:
        raise BackendFailed(f"its value {value!r} cannot be sent ({type(problem).__name__}: {problem})") from problem


def traced(failure: Exception) -> Exception:
    """A value of the backend may raise wherever it is looked at: then a line of the user's is on the way. All else is our own failure."""
    where = stack.of_traceback(failure.__traceback__)
    if isinstance(failure, BackendFailed) or not where:
        return failure
    told = BackendFailed(f"a value in it raised {type(failure).__name__}: {failure}", where)
    told.__cause__ = failure
    return told


def name_of(key: str, function: object) -> str:
    name = getattr(function, "__name__", "")
    return f"{key}: {name}()" if name and name != "<lambda>" else key


def line_of(function: object) -> str:
    """Where a function of the user's begins; "" for all else."""
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None and stack.is_users(code) else ""
