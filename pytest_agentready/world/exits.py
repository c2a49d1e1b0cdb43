"""What ends this process, or another: the session goes on, and the run has it in its record.

There is no audit event for most of it, so the functions themselves are replaced. A signal for which the code has a handler is its own
affair, and arrives.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.world import active, guard, processes, real
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.signals import would_end


def _exit(status: int) -> None:
    """From here on the process would be gone."""
    if active.mine() is None:
        real.exit_now(status)
    _end(f"os._exit({status!r})")


def abort() -> None:
    if active.mine() is None:
        real.abort()
    _end("os.abort()")


def kill(pid: int, number: int, /) -> None:
    world = active.mine()
    if world is None or pid in world.processes.started or not would_end(pid, number):
        real.kill(pid, number)
    elif pid in (os.getpid(), 0):
        _end(_name(number))
    else:
        _kill(f"a signal to process {pid} ({_name(number)})", str(pid))


def killpg(group: int, number: int, /) -> None:
    world = active.mine()
    if world is None or number == 0 or group in world.processes.started:
        real.killpg(group, number)
    else:
        _kill(f"a signal to the processes of group {group} ({_name(number)})", str(group))


def raise_signal(number: int, /) -> None:
    if active.mine() is None or not would_end(os.getpid(), number):
        real.raise_signal(number)
    else:
        _end(_name(number))


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _end(means: str) -> None:
    """`os._exit(3)`, `SIGKILL`."""
    processes.note("exit", "this process", means, refused=True)
    guard.refuse(f"the end of the whole process ({means})")


def _kill(what: str, target: str) -> None:
    processes.note("kill", target, what, refused=True)
    guard.refuse(what)


_REPLACEMENTS: tuple[tuple[Any, str, Any, Callable[..., Any]], ...] = (
    (os, "_exit", real.exit_now, _exit),
    (os, "abort", real.abort, abort),
    (os, "kill", real.kill, kill),
    (os, "killpg", real.killpg, killpg),
    (signal, "raise_signal", real.raise_signal, raise_signal),
)
PAIRS: dict[int, tuple[Any, Any]] = {id(original): (original, new) for _, _, original, new in _REPLACEMENTS if original is not None}


def patches() -> Iterator[Patch]:
    for owner, name, original, new in _REPLACEMENTS:
        if original is not None:
            yield Patch(owner, name, new, original)
