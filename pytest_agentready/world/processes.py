"""The processes that a run starts, or tries to: refused and recorded, but for the programs that the configuration allows."""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
from typing import TYPE_CHECKING, Any

from pytest_agentready.domain.shell import line_of
from pytest_agentready.world import active, real

if TYPE_CHECKING:
    from pytest_agentready.world.world import World

PATIENCE = 10.0  # real seconds for which one of them holds the clock
# A line with one of these may start anything.
BEYOND_WORDS = re.compile(r"[;&|<>`$()\n\\{}*?!~#]")


class Processes:
    """Those of one run."""

    def __init__(self, programs: tuple[str, ...]) -> None:
        self.programs = programs
        self.started: dict[int, float] = {}  # the ids of those that really run, and the real moments at which they began

    def allows(self, program: str, line: str) -> bool:
        """A program by its name or path; a line for the shell by its only word that names one."""
        if not self.programs:
            return False
        if line:
            words = [] if BEYOND_WORDS.search(line) else _words(line)
            return bool(words) and "=" not in words[0] and self.allows(words[0], "")
        return any(_same(program, allowed) for allowed in self.programs)

    def work(self) -> bool:
        """Does one of them still run? The clock of the run stands still meanwhile."""
        for pid in tuple(self.started):
            if _has_ended(pid):
                self.started.pop(pid, None)
        return any(real.monotonic() - began < PATIENCE for began in self.started.values())


def begin(command: Any, arguments: Any, *, line: bool = False, harmless: bool = False) -> str:
    """A process is about to begin: it goes into the ledger, unless `harmless`. What it is in words if it is to be refused, else ""."""
    program = _text(command if command is not None else arguments[0])
    words = [] if line else [_text(word) for word in _listed(arguments)]
    shell = program if line else line_of([program, *words[1:]])
    if not shell and harmless:
        return ""
    world = active.world
    allowed = world is not None and world.processes.allows(program, shell)
    content = shell or (shlex.join(words) if words else program)
    if world is not None and world.concerned:
        note("start", _target(program, shell), content, refused=not allowed)
    return "" if allowed else f"a process ({program})"


def note(verb: str, target: str, content: str, *, refused: bool) -> None:
    world: World | None = active.world
    if world is not None and world.concerned:
        world.ledger.note("process", verb, target, os.fsencode(content), refused=refused)


def _target(program: str, shell: str) -> str:
    """The program; of a plain line for the shell the one that it names."""
    words = _words(shell) if shell and not BEYOND_WORDS.search(shell) else []
    name = words[0] if words else "sh" if shell else program
    return shutil.which(name) or name


def _same(program: str, allowed: str) -> bool:
    if program == allowed:
        return True
    found, meant = _which(program), _which(allowed)
    return found is not None and meant is not None and os.path.realpath(found) == os.path.realpath(meant)


@functools.lru_cache(maxsize=64)
def _which(program: str) -> str | None:
    return shutil.which(program)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quotation without an end
        return []


def _listed(arguments: Any) -> list[Any]:
    return [arguments] if isinstance(arguments, (str, bytes, os.PathLike)) else list(arguments or ())


def _text(word: Any) -> str:
    if isinstance(word, (list, tuple)):
        word = word[0]
    return os.fsdecode(word) if isinstance(word, (str, bytes, os.PathLike)) else str(word)


def _has_ended(pid: int) -> bool:
    """Without taking its status from whoever waits for it."""
    try:
        if real.waitid is not None:
            return real.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        real.kill(pid, 0)
    except OSError:
        return True
    return False
