"""trio: its worker threads belong to a run while they have a job of it, and its tasks are cancelled when the run is ended.

Between two jobs a worker thread waits at a lock of C, where nobody can see whether it waits or works.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from pytest_agentready.world.world import World

CACHE = "trio._core._thread_cache"
RUN = "trio._core._run"


def cache() -> Any:
    """The class of trio's cache of threads; None where trio is not imported."""
    return getattr(sys.modules.get(CACHE), "ThreadCache", None)


def has_jobs(thread: Any) -> bool:
    """Is this a worker thread of trio's, whose jobs are seen?"""
    found = cache()
    worker = getattr(getattr(thread, "_target", None), "__self__", None)
    seen = found is not None and found.start_thread_soon.__module__ != CACHE
    return seen and type(worker).__module__ == CACHE


def means_for_ever(timeout: float) -> bool:
    """A trio loop whose tasks have no deadline waits for a day, and then again."""
    return RUN in sys.modules and timeout >= sys.modules[RUN]._MAX_TIMEOUT


def cancel(world: World) -> bool:
    """Cancel all tasks of the trio loop in this thread, once, so that they unwind in good order; False where that was done before."""
    runner = getattr(getattr(sys.modules.get(RUN), "GLOBAL_RUN_CONTEXT", None), "runner", None)
    if runner is None or id(runner) in world.cancelled_loops:
        return False
    world.cancelled_loops.add(id(runner))
    nursery = getattr(runner.main_task, "parent_nursery", None)
    if nursery is None:
        return False
    nursery.cancel_scope.cancel()
    return True


def job(begin: Callable[[], None], end: Callable[[], None], work: Any, deliver: Any) -> tuple[Any, Any]:
    """The two halves of a job, which make the worker thread a member from the first step to the last."""

    def begun() -> Any:
        begin()
        return work()

    def delivered(result: Any) -> None:
        try:
            deliver(result)
        finally:
            end()

    return begun, delivered
