"""The last resort: a thread of our own that ends a run by the wall clock.

A run that spins on the CPU asks for nothing, and so meets no tripwire. The watchdog tells it from a run that sits in a C call
that cannot be seen by the CPU time which the run has used.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from pytest_agentready.world import crowd, real

LOOK = 0.05  # real seconds between two looks
IDLE = 5.0  # real seconds without a run, after which the thread ends

Look = Callable[[], None]


class Watchdog:
    """One thread for all runs: starting one for each would cost more than most runs take."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self._overrun: Look | None = None
        self._glance: Look | None = None
        self._thread: threading.Thread | None = None

    def watch(self, seconds: float, overrun: Look, glance: Look) -> None:
        """Call `glance` now and then, and `overrun` after this many real seconds, again and again, until `rest` is called."""
        with self._lock:
            self._glance = glance
            self._deadline, self._overrun = real.monotonic() + seconds, overrun
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._patrol, daemon=True, name="agentready-watchdog")
                real.thread_start(self._thread)

    def rest(self) -> None:
        """The run has ended: from here on nothing is called any more."""
        with self._lock:
            self._deadline = self._overrun = self._glance = None

    def _patrol(self) -> None:
        ident = threading.get_ident()
        crowd.harness.add(ident)
        idle = 0.0
        while True:
            real.sleep(LOOK)
            with self._lock:
                idle = idle + LOOK if self._deadline is None else 0.0
                if self._glance is not None:
                    with contextlib.suppress(Exception):  # a thread may be gone while it is looked at
                        self._glance()
                if self._overrun is not None and self._deadline is not None and real.monotonic() > self._deadline:
                    with contextlib.suppress(Exception):  # the patrol goes on, whatever a dying run does to us
                        self._overrun()
                if idle > IDLE:
                    self._thread = None  # while the lock is held: the next run starts another
                    break
        crowd.harness.discard(ident)


def cpu_seconds() -> float:
    """CPU time of the whole process."""
    return time.process_time()
