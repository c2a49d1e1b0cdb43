"""The waits for a child: for one that never ends, and stands in for a program, they are waits of the world, in its time."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from typing import Any

from pytest_agentready.world import active, real
from pytest_agentready.world.ending import WorldClosed
from pytest_agentready.world.patching import Patch

_popen_wait, _communicate = subprocess.Popen.wait, subprocess.Popen.communicate
_waitpid: Any = getattr(os, "waitpid", None)


def patches() -> Iterator[Patch]:
    yield Patch(subprocess.Popen, "wait", wait)
    yield Patch(subprocess.Popen, "communicate", communicate)
    if hasattr(os, "WNOHANG"):  # nobody waits by it elsewhere
        yield Patch(os, "waitpid", waitpid)


def wait(self: Any, timeout: float | None = None) -> int:
    if self.returncode is None and not _ends(self.pid, timeout):
        raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
    return _popen_wait(self, timeout)


def communicate(self: Any, input: Any = None, timeout: float | None = None) -> Any:
    if self.returncode is None and not _ends(self.pid, timeout):
        raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
    return _communicate(self, input, timeout)


def waitpid(pid: int, options: int) -> tuple[int, int]:
    """By which asyncio waits, in a thread of its own."""
    if not options & os.WNOHANG:
        _ends(pid, None)
    found: tuple[int, int] = _waitpid(pid, options)
    return found


def _ends(pid: int, timeout: float | None) -> bool:
    """Wait for a child that never ends; False where the patience ends first. True at once for any other, and once it is killed."""
    world = active.mine()
    if world is None or pid not in world.processes.silent:
        return True
    silent = world.processes.silent
    with contextlib.suppress(WorldClosed):
        return world.time.wait("process", timeout, lambda: pid not in silent, real.sleep, silent[pid])
    return True
