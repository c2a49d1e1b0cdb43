"""The processes that a run starts, or tries to: refused and recorded, but for those that are allowed."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import sys
from _thread import get_ident
from types import FrameType
from typing import Any

from pytest_agentready.domain import Effect
from pytest_agentready.domain.shell import line_of
from pytest_agentready.world import active, stand_ins
from pytest_agentready.world.started import BEYOND_WORDS, words_of

DEPTH = 16  # frames between a process that begins and the function of `subprocess` that was called
_replaced: dict[int, list[str]] = {}  # thread -> the words of what stands in for its next process


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
        note("start", _target(program, shell), content, refused=not allowed, bound=_patience())
    return "" if allowed else f"a process ({program})"


def replace(what: str, program: str, shell: str) -> bool:
    """Does something stand in for the process that this thread is about to start? Its refusal is remembered all the same.

    Raises FileNotFoundError where the program is to be missing: a shell itself is always there.
    """
    world = active.mine()
    if world is None or not (words := stand_ins.words_of(conduct := world.time.limits.programs)):
        return False
    world.network.refused.append(what)
    if conduct == "missing" and shell:
        words = stand_ins.words_of("succeeds")
    elif conduct != "succeeds":
        world.network.fired += 1
    if conduct == "missing" and not shell:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    _replaced[get_ident()] = words
    return True


def stand_in() -> list[str] | None:
    """The words of what stands in for the process that begins now, asked once; None for the process itself."""
    return _replaced.pop(get_ident(), None)


def are_words(arguments: Any) -> bool:
    """Would the system take them? None, a number or a text with a NUL in it is refused by Python itself."""
    return all(isinstance(word, (str, bytes, os.PathLike)) and "\0" not in os.fsdecode(word) for word in _listed(arguments))


def shell_line(arguments: Any) -> str:
    """What these words give a shell to run; "" for a program that is started by itself."""
    return line_of([_text(word) for word in _listed(arguments)])


def program_of(arguments: Any) -> str:
    """Which one these words start; of a plain line for the shell the one that it names."""
    words = [_text(word) for word in _listed(arguments)]
    return _target(words[0], line_of(words)) if words else ""


def note(verb: str, target: str, content: str, *, refused: bool, bound: float | None = None) -> None:
    world = active.world
    if world is not None and world.concerned:
        really = verb == "start" and not refused
        world.ledger.record(Effect("process", verb, target, os.fsencode(content), real=really, refused=refused, bound=bound))


def _patience() -> float | None:
    """The `timeout` that `subprocess.run` or `call` was given, seconds: a process that is refused never gets to be waited for."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(DEPTH):
        if frame is None:
            break
        if frame.f_globals.get("__name__") == "subprocess" and frame.f_code.co_name in ("run", "call"):
            given = frame.f_locals.get("timeout", frame.f_locals.get("kwargs", {}).get("timeout"))
            return float(given) if isinstance(given, (int, float)) else None
        frame = frame.f_back
    return None


def _target(program: str, shell: str) -> str:
    words = words_of(shell) if shell and not BEYOND_WORDS.search(shell) else []
    name = words[0] if words else "sh" if shell else program
    return shutil.which(name) or name


def _listed(arguments: Any) -> list[Any]:
    return [arguments] if isinstance(arguments, (str, bytes, os.PathLike)) else list(arguments or ())


def _text(word: Any) -> str:
    if isinstance(word, (list, tuple)):
        word = word[0]
    return os.fsdecode(word) if isinstance(word, (str, bytes, os.PathLike)) else str(word)
