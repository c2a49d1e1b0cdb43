"""Standard input, output and error outlive a run that closes or replaces them: pytest's own capture stands behind."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

NAMES = ("stdin", "stdout", "stderr")
DESCRIPTORS = (0, 1, 2)
CLOSING = ("close", "detach")


@contextlib.contextmanager
def kept() -> Iterator[None]:
    streams = {name: getattr(sys, name) for name in NAMES}
    guarded = [stream for stream in streams.values() if _cannot_be_closed(stream)]
    descriptors = {fd: copy for fd in DESCRIPTORS if (copy := _copy(fd)) is not None}
    try:
        yield
    finally:
        for name, stream in streams.items():
            if getattr(sys, name) is not stream:
                setattr(sys, name, stream)
        for stream in guarded:
            for method in CLOSING:
                vars(stream).pop(method, None)
        for fd, copy in descriptors.items():
            if not _same(fd, copy):
                os.dup2(copy, fd)
            os.close(copy)


def _cannot_be_closed(stream: Any) -> bool:
    """For the time of the run; True where that had to be arranged."""
    attributes = getattr(stream, "__dict__", None)
    if attributes is None or any(method in attributes for method in CLOSING):
        return False
    for method in CLOSING:
        attributes[method] = lambda: None
    return True


def _copy(fd: int) -> int | None:
    try:
        return os.dup(fd)
    except OSError:  # it is closed anyway
        return None


def _same(fd: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(fd, other)
    except OSError:
        return False
