"""Who else is running: the clock may only jump when nobody is about to change anything.

Members in a wait are known. A member that is in none is running, unless the operating system says that it has been
asleep for a while (in a C call that cannot be seen). Bystanders, threads that are no members, matter only to those who
wait for a thread: they must be asleep too, and stay so while the interpreter is let go of.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from _thread import get_ident
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_agentready.world import real, runs
from pytest_agentready.world.files import originals
from pytest_agentready.world.unseen import UnseenWaits
from pytest_agentready.world.waiting import NETWORK_WAITS, Blocked

PARKED = 60  # looks, some 5 ms apart, at which a member in an unseen wait was asleep and had used no CPU time
REST = 0.03  # real seconds of rest that a bystander owes who was active since the wait began
RESTLESS = 1.0  # real seconds after which bystanders that never rest are no longer waited for
LAST_STEPS = 5.0  # real seconds that a thread may take to end
YIELD = 0.00003  # real seconds; lets go of the interpreter, so that a woken thread gets its turn

harness: set[int] = set()  # idents of our own threads


class Work(Protocol):
    """Something handed over to another thread that has not begun."""

    def stands_in_line(self, waiting: Iterable[int]) -> bool: ...


class Crowd:
    """The threads around one run."""

    def __init__(self, members: set[int], blocked: dict[int, Blocked], now: Callable[[], float]) -> None:
        self.members = members
        self.blocked = blocked
        self.handed_over: list[Work] = []
        self.unseen = UnseenWaits()
        self.restless = False
        self.abroad = 0  # transfers under way in C, in real time: nobody may jump ahead of them
        self.outside_works: Callable[[], bool] = lambda: False  # does a real service owe an answer?
        self._stirs = itertools.count()
        self._last_stir = next(self._stirs)
        self._now = now
        self._seen: dict[int, _Seen] = {}

    def stir(self) -> None:
        """Said by each thread that begins or ends a wait, its membership, or work that was handed over."""
        self._last_stir = next(self._stirs)

    def anyone_running(self, me: int) -> bool:
        """Is any member about to do something, or is there work that a thread is about to take up?

        Looking lets go of the interpreter. A thread that was running when another one was looked at may wake that one, and have come
        to a wait or to its end before it is looked at itself: if anything stirred meanwhile, the answer is yes, look again.
        """
        before = self._last_stir
        abroad = self.abroad or self.outside_works()
        if abroad or any(not work.stands_in_line(self.blocked) for work in tuple(self.handed_over)):
            return True
        return any(self._acts(ident, me) for ident in tuple(self.members)) or self._last_stir != before

    def _acts(self, ident: int, me: int) -> bool:
        blocked = self.blocked.get(ident)
        if blocked is None:
            return ident != me and not self._is_parked(ident)
        return blocked.cut or blocked.ready() or self._now() >= blocked.deadline  # it wakes now

    def bystanders_rest(self) -> bool:
        """May no thread that is no member be about to wake one of ours?"""
        blocked = tuple(self.blocked.values())
        if all(wait.primitive in NETWORK_WAITS for wait in blocked):
            return True
        patience = real.monotonic() - max(wait.since for wait in blocked)
        # A joined thread that is no member is on its last steps, or a pool's between two jobs: it moves soon.
        joined = [wait.target for wait in blocked if isinstance(wait.target, threading.Thread)]
        if any(thread.ident not in self.members and thread.is_alive() for thread in joined):
            return patience > LAST_STEPS
        bystanders = self._bystanders()
        if not bystanders or self.restless or self._stay_asleep(bystanders, min(wait.since for wait in blocked)):
            return True
        self.restless = patience > RESTLESS
        return self.restless

    def welcome(self, ident: int) -> None:
        self.members.add(ident)
        self.stir()

    def forget(self, ident: int) -> None:
        self.stir()
        self.members.discard(ident)
        self._seen.pop(ident, None)

    def _bystanders(self) -> list[int]:
        me = get_ident()
        return [
            ident
            for ident, thread in tuple(threading._active.items())  # type: ignore[attr-defined]
            if ident != me
            and ident not in self.members
            and ident not in harness
            and getattr(thread, "_target", None) is not real.pool_worker  # between two jobs; its work makes it a member
        ]

    def _stay_asleep(self, idents: list[int], since: float) -> bool:
        self._all_asleep(idents)
        for _ in range(2):
            real.sleep(YIELD)
            if not self._all_asleep(idents):
                return False
        # Active since the wait began: perhaps in a short real wait (a disk, a child process). It has to rest a while.
        now = real.monotonic()
        return all(seen.changed <= since or now - seen.changed >= REST for ident in idents if (seen := self._seen.get(ident)))

    def _all_asleep(self, idents: Iterable[int]) -> bool:
        """Were they all asleep, and have used no CPU time since the last look?"""
        asleep = True
        for ident in idents:
            state = _state(ident)
            if state is None:  # gone, which is a change too
                self.forget(ident)
                asleep = False
                continue
            runnable, cpu = state
            seen = self._seen.get(ident)
            if seen is None:
                self._seen[ident] = _Seen(cpu, real.monotonic() if runnable else 0.0)
                asleep = False
            elif seen.cpu != cpu or runnable:
                self._seen[ident] = _Seen(cpu, real.monotonic())
                asleep = False
            else:
                seen.looks += 1
        return asleep

    def _is_parked(self, ident: int) -> bool:
        """In no wait of ours, and yet asleep in the system: in a C call that we do not see.

        Time alone does not tell, for the whole process may have stood still, with the thread waiting for the
        interpreter that we hold. It is looked at many times, and before each the interpreter was let go of.
        """
        self._all_asleep([ident])
        parked = ident not in self.members or self._seen[ident].looks >= PARKED
        if parked and ident in self.members:
            self.unseen.note(ident)
        return parked

    def look_for_unseen_waits(self) -> None:
        """Said by the watchdog, now and then: where one thread alone waits, nobody else looks at it."""
        for ident in tuple(self.members):
            if self.abroad or ident in self.blocked or runs.is_bypassed(ident):
                self.unseen.forget(ident)
            else:
                self.unseen.look(ident, _state(ident))


@dataclass(slots=True)
class _Seen:
    """A thread at the last look."""

    cpu: Any  # CPU time used
    changed: float  # real moment at which that was last found to have changed
    looks: int = 0  # since then


def _state(ident: int) -> tuple[bool, Any] | None:
    """(runnable, CPU time in ns) of a thread; None if it is gone."""
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    if thread is None:
        return None
    try:
        cpu = time.clock_gettime_ns(time.pthread_getcpuclockid(ident))
        with originals.open_file(f"/proc/self/task/{thread.native_id}/stat", "rb") as file:
            letters = file.read(200)
        return letters[letters.rindex(b")") + 2 :][:1] in (b"R", b"D"), cpu
    except (AttributeError, FileNotFoundError):
        return _state_by_frame(ident)
    except (OSError, ValueError):
        return None


def _state_by_frame(ident: int) -> tuple[bool, Any] | None:
    """Where the system does not tell (macOS, Windows): a thread whose frame stands still counts as asleep."""
    frame = sys._current_frames().get(ident)
    return None if frame is None else (False, (id(frame), frame.f_lasti))
