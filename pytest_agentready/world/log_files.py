"""The files of loggers: what a run has opened for one is its own, and the logger goes on with the real file afterwards.

A handler that rotates renames its file in the run's copy, and begins a new one there.
"""

from __future__ import annotations

import builtins
import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

OPEN = "_builtin_open"  # by which a handler opens, also when the interpreter ends


@contextlib.contextmanager
def kept() -> Iterator[None]:
    before = {id(handler): (handler, handler.stream, _due(handler)) for handler in _handlers()}
    opening = [(handler, vars(handler)[OPEN]) for handler, _, _ in before.values() if OPEN in vars(handler)]
    for handler, _ in opening:
        setattr(handler, OPEN, _open)
    try:
        yield
    finally:
        for handler, own in opening:
            setattr(handler, OPEN, own)
        for handler in _handlers():
            _, stream, due = before.get(id(handler), (handler, None, _due(handler)))
            if handler.stream is not stream and not _is_real(handler):
                _let_go(handler, stream)
            if due is not None and _due(handler) != due:  # by the clock of the world, which was ahead
                handler.rolloverAt = due  # type: ignore[attr-defined]


def _open(*args: Any, **kwargs: Any) -> Any:
    """As it is called now, and not as it was when the handler was made."""
    return builtins.open(*args, **kwargs)


def _handlers() -> list[logging.FileHandler]:
    found = [reference() for reference in tuple(logging._handlerList)]  # type: ignore[attr-defined]
    return [handler for handler in found if isinstance(handler, logging.FileHandler)]


def _is_real(handler: logging.FileHandler) -> bool:
    """Is what it writes to the file itself, in the run's own folder?"""
    try:
        return handler.stream is not None and os.path.samestat(os.fstat(handler.stream.fileno()), os.stat(handler.baseFilename))
    except (OSError, ValueError):  # closed, or gone with the run
        return False


def _let_go(handler: logging.FileHandler, stream: Any) -> None:
    """Of the file of the run. With none at all a handler opens the real one as soon as it has something to say."""
    if handler.stream is not None:
        with contextlib.suppress(OSError, ValueError):
            handler.stream.close()
    handler.stream = None if stream is None or stream.closed else stream


def _due(handler: logging.FileHandler) -> Any:
    """When it rotates next, where it goes by time."""
    return getattr(handler, "rolloverAt", None)
