"""What a run may change around itself is put back: what the process has, and what the standard library keeps for all of it.

Each `_kept` context looks before the run, and restores afterwards what is not the same any more; looking has to be cheap,
for it is done for every run.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from pytest_agentready.world import library, log_files, stdio

_SIGNALS = sorted(int(number) for number in signal.valid_signals())


@contextlib.contextmanager
def kept() -> Iterator[None]:
    with stdio.kept(), library.kept(), log_files.kept(), _process_kept():
        yield


@contextlib.contextmanager
def _process_kept() -> Iterator[None]:
    environment = _environment()
    directory = os.getcwd()
    umask = os.umask(0o077)  # there is no other way to ask for it
    os.umask(umask)
    handlers = _handlers()
    tracer = sys.gettrace()
    path, places = sys.path, list(sys.path)
    compiles_only = sys.dont_write_bytecode
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
        if not _is_here(directory):
            with contextlib.suppress(OSError):  # the run, or a fixture, has removed it
                os.chdir(directory)
        os.umask(umask)
        for number, handler in handlers.items():
            if _signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        if sys.path is not path or path != places:
            sys.path, path[:] = path, places
        sys.dont_write_bytecode = compiles_only


def _is_here(directory: str) -> bool:
    try:
        return os.getcwd() == directory
    except OSError:  # it was removed
        return False


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
