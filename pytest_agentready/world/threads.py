"""Threads, conditions and executors: who belongs to the run, and waits in its time."""

from __future__ import annotations

import _thread
import concurrent.futures.thread
import functools
import sys
import threading
from _thread import get_ident
from collections.abc import Iterable, Iterator
from typing import Any

from pytest_agentready.world import active, nurseries, real, residents, runs, stack
from pytest_agentready.world.ending import Signal, WorldClosed
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.world import World

_Pool = concurrent.futures.thread.ThreadPoolExecutor
_WorkItem: Any = concurrent.futures.thread._WorkItem  # type: ignore[attr-defined,unused-ignore]
_work_item_init, _work_item_run = _WorkItem.__init__, _WorkItem.run
_submitting = threading.local()


def patches() -> Iterator[Patch]:
    yield Patch(threading.Condition, "wait", wait)
    yield Patch(threading.Condition, "notify", notify)
    yield Patch(threading.Thread, "start", start)
    yield Patch(threading.Thread, "join", join)
    yield Patch(_Pool, "submit", submit)
    yield Patch(_WorkItem, "__init__", work_item_init)
    yield Patch(_WorkItem, "run", work_item_run)
    if (cache := nurseries.cache()) is not None:
        yield Patch(cache, "start_thread_soon", _handing_over(cache))


def wait(self: threading.Condition, timeout: float | None = None) -> bool:
    """Events, queues, futures, semaphores and barriers all end here."""
    world = active.mine()
    if world is None:
        if timeout is not None and active.world is not None:
            active.world.bystanders.add(get_ident())
        return real.condition_wait(self, timeout)
    condition: Any = self
    if not condition._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    waiter = _thread.allocate_lock()
    waiter.acquire()
    condition._waiters.append(waiter)
    state = condition._release_save()
    woken = False
    try:

        def rest(seconds: float) -> None:
            if waiter.acquire(True, seconds):
                waiter.release()

        # While `rest` tries the lock, it looks as if nobody had been notified; who was is no more in the list.
        ready = lambda: not waiter.locked() or waiter not in condition._waiters  # noqa: E731
        woken = world.time.wait("wait", timeout, ready, rest, world.network.awaited())
    except WorldClosed:  # a thread that outlives the run goes on in real time
        woken = waiter.acquire(True, -1 if timeout is None else timeout)
    finally:
        condition._acquire_restore(state)
        if not woken and waiter in condition._waiters:
            condition._waiters.remove(waiter)
    return woken


def join(self: threading.Thread, timeout: float | None = None) -> None:
    world = active.mine()
    if world is None or not self._started.is_set() or self is threading.current_thread():  # type: ignore[attr-defined]
        real.thread_join(self, timeout)
        return
    try:
        if world.time.wait("join", timeout, lambda: not self.is_alive(), real.sleep, world.network.awaited(), target=self):
            real.thread_join(self, 0.5)  # it is dead; this tidies up
    except WorldClosed:
        real.thread_join(self, timeout)


def notify(self: threading.Condition, n: int = 1) -> None:
    """Who wakes an older thread hands it work: that thread takes part in the run from here on."""
    world = active.mine()
    if world is not None:
        for ident in _older_threads_at(self, n, world):
            world.engage(ident)
    real.condition_notify(self, n)


def _older_threads_at(condition: Any, n: int, world: World) -> list[int]:
    """The first `n` that wait there, as far as they are no members: only their stacks tell who they are."""
    woken = [id(waiter) for waiter in tuple(condition._waiters)[:n]]
    if not woken or len(threading._active) <= len(world.time.members):  # type: ignore[attr-defined]
        return []
    return [
        ident
        for ident, frame in sys._current_frames().items()
        if frame.f_code in _WAITING and ident not in world.time.members and id(frame.f_locals.get("waiter")) in woken
    ]


_WAITING = (real.condition_wait.__code__, wait.__code__)  # both call it a waiter


class _Handover:
    """Work that a member gave to another thread, until that thread begins it."""

    def __init__(self, world: World, pool: Any = None, future: Any = None, thread: threading.Thread | None = None) -> None:
        self.world = world
        self.pool = pool
        self.future = future
        self.thread = thread
        self.where = stack.here()  # the user's line that ordered it
        self.origin = residents.origin(2) if thread is not None else ()
        world.works_beside |= bool(world.hired or world.time.crowd.handed_over)
        world.time.crowd.handed_over.append(self)
        world.time.crowd.stir()

    def stands_in_line(self, waiting: Iterable[int]) -> bool:
        """Will nobody begin it now? All threads of its pool wait in the simulation, or it was called off."""
        if self.future is not None and self.future.cancelled():
            return True
        if self.pool is None:
            return False
        idents = [thread.ident for thread in tuple(self.pool._threads)]
        return len(idents) >= self.pool._max_workers and all(ident in waiting for ident in idents)

    def begin(self) -> None:
        self.world.hired[get_ident()] = self
        self.world.time.crowd.welcome(get_ident())
        self.world.databases.comes()
        self.call_off()

    def call_off(self) -> None:
        if self in self.world.time.crowd.handed_over:
            self.world.time.crowd.handed_over.remove(self)

    def end(self) -> None:
        self.world.databases.goes()
        self.world.time.crowd.forget(get_ident())
        self.world.hired.pop(get_ident(), None)
        runs.leftovers.discard(get_ident())


def start(self: threading.Thread) -> None:
    world = active.mine()
    if world is None:
        real.thread_start(self)
        return
    world.origins[self] = stack.here()
    handover = None
    if getattr(self, "_target", None) is not real.pool_worker and not nurseries.has_jobs(self):  # these belong to the run by their work
        handover = _Handover(world, thread=self)
        _make_member(self, handover)
    try:
        # start() waits for the new thread. That wait is real: nobody else knows of a thread that is about to begin.
        with runs.bypassed():
            real.thread_start(self)
    except RuntimeError:  # no more threads can be had
        if handover is not None:
            handover.call_off()
        raise


def _make_member(thread: threading.Thread, handover: _Handover) -> None:
    run = thread.run

    @functools.wraps(run)
    def run_as_member() -> None:
        handover.begin()
        try:
            run()
        except Signal:
            return
        except (Exception, SystemExit):
            # Under a fault a thread may well die; a traceback of each, on the terminal or as pytest's warning about
            # unhandled exceptions in threads, would say nothing about the tool that its result does not say.
            if thread in handover.world.residents:
                raise
        finally:
            handover.end()
            vars(thread).pop("run", None)

    vars(thread)["run"] = run_as_member


def submit(self: Any, /, *args: Any, **kwargs: Any) -> Any:
    _submitting.pool = self
    try:
        return real.submit(self, *args, **kwargs)
    finally:
        _submitting.pool = None


def work_item_init(self: Any, *args: Any, **kwargs: Any) -> None:
    _work_item_init(self, *args, **kwargs)
    world = active.mine()
    if world is not None:
        self._agentready = _Handover(world, getattr(_submitting, "pool", None), self.future)


def work_item_run(self: Any, *args: Any, **kwargs: Any) -> Any:
    handover = getattr(self, "_agentready", None)
    if handover is not None and handover.world is not active.world:
        handover = None
    if handover is not None:
        handover.begin()
    try:
        return _work_item_run(self, *args, **kwargs)
    finally:
        if handover is not None:
            handover.end()
        # The traceback of what the work raises leads to this frame, and the future holds the exception: as in the executor's own
        # frame, nothing here may hold the future, or the two would keep each other, and all that they opened, until a collection.
        self = handover = None


def _handing_over(cache: Any) -> Any:
    """trio's jobs, as an executor's."""
    original = vars(cache)["start_thread_soon"]

    def start_thread_soon(self: Any, fn: Any, deliver: Any, name: str | None = None) -> None:
        world = active.mine()
        if world is not None:
            handover = _Handover(world)
            fn, deliver = nurseries.job(handover.begin, handover.end, fn, deliver)
        original(self, fn, deliver, name)

    return start_thread_soon
