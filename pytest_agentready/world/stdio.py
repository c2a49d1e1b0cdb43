"""Standard input, output and error: what a run says under a fault is not heard, and they outlive one that closes or replaces them."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

NAMES = ("stdin", "stdout", "stderr")
DESCRIPTORS = (0, 1, 2)
CLOSING = ("close", "detach")


class _Mute(io.RawIOBase):
    """Stands for a stream, and lets nothing through for a while; a logger that was made meanwhile keeps it, and goes on with the stream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.silent = True

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if not self.silent:
            self._stream.write(str(data, "utf-8", "replace"))
        return len(data)


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """What a tool prints in its normal call is shown with a failure; thirty times the same under faults is not."""
    mutes = _Mute(sys.stdout), _Mute(sys.stderr)
    out, err = (io.TextIOWrapper(mute, encoding="utf-8", write_through=True) for mute in mutes)  # type: ignore[type-var]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield
    finally:
        for mute in mutes:
            mute.silent = False


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """After the run they are what they were before it: pytest's own capture stands behind them."""
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
