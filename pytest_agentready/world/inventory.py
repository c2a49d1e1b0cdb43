"""What is open in the process: connections and other descriptors, threads of the run, tasks and generators of the loop.

A descriptor is known by its number and inode, since numbers are used again. The world's own ends of its connections do not count.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
import threading
from collections.abc import Iterator
from typing import Any

from pytest_agentready.domain import Held, HeldKind
from pytest_agentready.world import crowd, loops, real, stack
from pytest_agentready.world.aside import DESCRIPTORS
from pytest_agentready.world.world import World

LAST_STEPS = 0.03  # real seconds that a thread which was told to end gets for it

Descriptor = tuple[int, int, int]  # number, device, inode


class Inventory:
    """Taken before the first call; `left` tells what has come since, and is still there."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop = loops.loop()
        world.opened = {}
        self._descriptors = set(_descriptors())
        self._threads = set(threading.enumerate())
        self._tasks = set(asyncio.all_tasks(self._loop))
        self._generators = {id(generator) for generator in self._loop_generators()}
        self._most_threads = 0

    def left(self) -> tuple[Held, ...]:
        self._world.time.pump()  # a peer closes its end when it learns that the client has
        return (*self._of_descriptors(), *self._of_threads(), *self._of_the_loop())

    def _of_descriptors(self) -> Iterator[Held]:
        ours = self._world.network.far_ends()
        for descriptor in sorted(_descriptors()):
            if descriptor not in self._descriptors and descriptor[0] not in ours:
                yield from self._described(descriptor[0])

    def _described(self, fd: int) -> Iterator[Held]:
        connection = self._world.network.connections.get(fd)
        if connection is not None and connection.is_current:
            yield Held("connection", connection.name, connection.where)
            return
        path, kind = _path(fd), _kind(fd)
        if path is None or kind is None or path.startswith(f"/proc/{os.getpid()}/"):
            return  # closed meanwhile, or our watchdog's, which looks at the threads there
        path = self._world.files.overlay.seen(path) if kind == "file" else ""
        yield Held(kind, path, (self._world.opened or {}).get(path, ""))

    def _of_threads(self) -> Iterator[Held]:
        """Looked at for a while where there are more than before: one that was told to end may still be about to."""
        patience = real.monotonic() + LAST_STEPS
        while len(found := self._new_threads()) > self._most_threads and real.monotonic() < patience:
            real.sleep(0.001)
        self._most_threads = max(self._most_threads, len(found))
        for thread in found:
            yield Held("thread", _named(thread), self._world.origins.get(thread, ""))

    def _new_threads(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in self._threads and thread.ident not in crowd.harness]

    def _of_the_loop(self) -> Iterator[Held]:
        for task in asyncio.all_tasks(self._loop) - self._tasks:
            coroutine = task.get_coro()
            yield Held("task", getattr(coroutine, "__qualname__", ""), stack.awaiting_line(task))
        for generator in self._loop_generators():
            code = generator.ag_code
            # A library's own that hangs in a traceback holds nothing by itself; what it may hold is counted where it stands.
            if id(generator) not in self._generators and stack.is_users(code):
                yield Held("generator", generator.__qualname__, f"{code.co_filename}:{code.co_firstlineno}")

    def _loop_generators(self) -> list[Any]:
        return list(getattr(self._loop, "_asyncgens", ()))


def _named(thread: threading.Thread) -> str:
    """Without its number, which is another one for each call: `Thread-3 (renew)` is renew."""
    name = re.sub(r"[-_]?\d+", "", thread.name)
    return name[8:-1] if name.startswith("Thread (") and name.endswith(")") else name


def _descriptors() -> Iterator[Descriptor]:
    """Only where the system lists them."""
    for name in os.listdir(DESCRIPTORS) if os.path.isdir(DESCRIPTORS) else ():
        try:
            found = os.fstat(int(name))
        except OSError:  # that of the listing itself
            continue
        yield int(name), found.st_dev, found.st_ino


def _kind(fd: int) -> HeldKind | None:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return None
    if stat.S_ISSOCK(mode):
        return "socket"
    if stat.S_ISREG(mode):
        return "file"
    return "pipe" if stat.S_ISFIFO(mode) else "descriptor"


def _path(fd: int) -> str | None:
    try:
        return os.readlink(f"{DESCRIPTORS}/{fd}")
    except FileNotFoundError:
        return None
    except OSError:  # a system that does not tell
        return ""
