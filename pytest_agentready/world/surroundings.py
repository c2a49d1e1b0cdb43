"""What a run may change around itself is put back: the environment, the directory, signal handlers, the trace function."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def kept() -> Iterator[None]:
    environment = dict(os.environ)
    directory = os.getcwd()
    handlers = _handlers()
    tracer = sys.gettrace()
    try:
        yield
    finally:
        if sys.gettrace() is not tracer:
            sys.settrace(tracer)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        with contextlib.suppress(OSError):
            if os.getcwd() != directory:
                os.chdir(directory)
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _handlers() -> dict[int, Any]:
    """Only the main thread may change them; one that was not set from Python (None) cannot be put back."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {number: signal.getsignal(number) for number in range(1, signal.NSIG) if number not in _UNKNOWN}
    return {number: handler for number, handler in found.items() if handler is not None}


_UNKNOWN = set(range(1, signal.NSIG)) - set(signal.valid_signals())
