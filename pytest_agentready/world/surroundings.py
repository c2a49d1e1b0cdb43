"""What a run may change around itself is put back: the environment, the directory, signal handlers, the trace function."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

_SIGNALS = sorted(int(number) for number in signal.valid_signals())


@contextlib.contextmanager
def kept() -> Iterator[None]:
    environment = _environment()
    directory = os.getcwd()
    handlers = _handlers()
    tracer = sys.gettrace()
    try:
        yield
    finally:
        if sys.gettrace() is not tracer:
            sys.settrace(tracer)
        if (now := _environment()) != environment:
            for name in now.keys() - environment.keys():
                del os.environ[os.fsdecode(name)]
            for name, value in environment.items():
                if now.get(name) != value:
                    os.environ[os.fsdecode(name)] = os.fsdecode(value)
        with contextlib.suppress(OSError):
            if os.getcwd() != directory:
                os.chdir(directory)
        for number, handler in handlers.items():
            if _signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _environment() -> dict[Any, Any]:
    """As the system holds it: `os.environ` decodes each name and value anew, which takes longer than all the rest."""
    raw: dict[Any, Any] | None = getattr(os.environ, "_data", None)
    return dict(os.environ if raw is None else raw)


def _handlers() -> dict[int, Any]:
    """Only the main thread may change them; one that was not set from Python (None) cannot be put back."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    # The C function: `signal.getsignal` makes an enum of each answer.
    return {number: handler for number in _SIGNALS if (handler := _signal.getsignal(number)) is not None}
