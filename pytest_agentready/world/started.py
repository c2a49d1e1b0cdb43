"""The processes of a run that really run, of the programs that the configuration allows."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
import shutil
import signal

from pytest_agentready.world import real, stand_ins

PATIENCE = 10.0  # real seconds for which one of them holds the clock
# A line with one of these may start anything.
BEYOND_WORDS = re.compile(r"[;&|<>`$()\n\\{}*?!~#]")


class Processes:
    """Those of one run."""

    def __init__(self, programs: tuple[str, ...]) -> None:
        self.programs = programs
        self.started: dict[int, float] = {}  # the ids of those that really run, and the real moments at which they began
        self.silent: dict[int, str] = {}  # the ids of those that will never end by themselves, and the programs that they stand for

    def allows(self, program: str, line: str) -> bool:
        """A program by its name or path; a line for the shell by its only word that names one."""
        if not self.programs:
            return False
        if line:
            words = [] if BEYOND_WORDS.search(line) else words_of(line)
            return bool(words) and "=" not in words[0] and self.allows(words[0], "")
        return any(_same(program, allowed) for allowed in self.programs)

    def work(self) -> bool:
        """Does one of them still run? The clock of the run stands still meanwhile."""
        for pid in tuple(self.started):
            if _has_ended(pid):
                self.started.pop(pid, None)
        return any(real.monotonic() - began < PATIENCE for pid, began in self.started.items() if pid not in self.silent)

    def begun(self, pid: int, words: list[str] | None, program: str) -> None:
        """It really runs now; `words` are those of what stands in for `program`, None where nothing does."""
        self.started[pid] = real.monotonic()
        if words is not None and words == stand_ins.words_of("silent"):
            self.silent[pid] = program

    def cut(self) -> bool:
        """End those that would never end; True if there was one."""
        found = False
        while self.silent:  # another one may begin meanwhile
            pid, _ = self.silent.popitem()
            found = True
            with contextlib.suppress(OSError):
                real.kill(pid, signal.SIGKILL)
        return found


def words_of(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quotation without an end
        return []


def _same(program: str, allowed: str) -> bool:
    if program == allowed:
        return True
    found, meant = _which(program), _which(allowed)
    return found is not None and meant is not None and os.path.realpath(found) == os.path.realpath(meant)


@functools.lru_cache(maxsize=64)
def _which(program: str) -> str | None:
    return shutil.which(program)


def _has_ended(pid: int) -> bool:
    """Without taking its status from whoever waits for it."""
    try:
        if real.waitid is not None:
            return real.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        real.kill(pid, 0)
    except OSError:
        return True
    return False
