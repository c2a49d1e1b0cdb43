"""The same calls in another Python process, with another PYTHONHASHSEED: one child for each seed serves all tools of the session.

The child makes its calls in a virtual world of its own, so that nothing leaves it either. It imports what is to be called by name, has the
import path, directory and environment of this process, and asks this process what the backend answers. What it cannot import, a
child that dies and one that hangs are an obstacle, in words, and never the end of the session.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pytest_agentready.domain import Tool
from pytest_agentready.experiments.by_name import Named, Nameless, modules_of_the_user, name_of
from pytest_agentready.experiments.calling import token_names
from pytest_agentready.experiments.orders import HEAD, Content, Order, There, write
from pytest_agentready.world import Backend, BackendFailed, IncomingRequest, granted, real
from pytest_agentready.world.allowed import in_force

START = 30.0  # real seconds until the child has to be there, and what it imports
CALL = 30.0  # real seconds for each call: its world has a watchdog of its own
SAID = 20_000  # bytes, the last of what the child wrote to stderr
SEED = 1
WAITS = os.name != "nt"  # on Windows a pipe cannot be waited for; there the watchdog of the child's world has to do
SIDE = f"{__name__.rpartition('.')[0]}.other_side"
Call = tuple[Callable[..., Any], Mapping[str, Any]]  # what is to be called, and its arguments


def elsewhere(
    tool: Tool,
    arguments: Mapping[str, Any],
    *,
    hash_seed: int = SEED,
    calls: Sequence[Call] | None = None,
    began: float | None = None,
    chance: str = "other_process",
) -> There:
    """One call of the tool there, after its confirmation where it has one; or these calls, in one world.

    `began` is the moment at which that world begins, in seconds since the epoch, so that dates are the same here and there; `chance` is
    the experiment whose random numbers it has.
    """
    if calls is None:
        confirm = tool.facts.confirm
        calls = [*([(confirm, arguments)] if confirm is not None else []), (tool.call, arguments)]
    try:
        order = _order(tool, calls, began, chance)
    except Nameless as reason:
        return There(obstacle=str(reason))
    backend = tool.facts.backend if isinstance(tool.facts.backend, Backend) else Backend()
    try:
        return _child(hash_seed).ask(order, backend)
    except Lost as reason:
        _children.pop(hash_seed, None)
        return There(obstacle=f"the other process {reason}")


def _order(tool: Tool, calls: Iterable[Call], began: float | None, chance: str) -> Order:
    """Raises Nameless."""
    backend = tool.facts.backend if isinstance(tool.facts.backend, Backend) else Backend()
    named = [(name_of(call, f"confirm={_shown(call)}" if call is tool.facts.confirm else "the tool"), dict(given)) for call, given in calls]
    is_confirmed = len(named) > 1 and tool.facts.confirm is not None
    content = Content(
        named,
        token_names(tool) if is_confirmed else (),
        _variables(tool),
        _that_can_go(backend.peers),
        _that_can_go((backend.procedures,))[:1],
        _that_can_go(backend.streams),
        in_force(),
        granted.in_force(),
        began,
        chance,
    )
    try:
        packed = pickle.dumps(content)
    except Exception as failure:  # of any class of the user's own
        raise Nameless(f"its arguments cannot be taken to another process ({failure}): give plain values in args=") from failure
    return Order(list(sys.path), os.getcwd(), dict(os.environ), modules_of_the_user(), packed)


def _shown(call: Any) -> str:
    return str(getattr(call, "__qualname__", None) or type(call).__qualname__)


def _variables(tool: Tool) -> list[tuple[Named, Any]]:
    from contextvars import ContextVar

    user = tool.facts.user
    if not isinstance(user, ContextVar):
        return []
    try:
        held = user.get()
    except LookupError:
        return []
    return [(name_of(user, f"user={user.name}"), held)]


def _that_can_go(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """A callable that answers statements, say, may well be a closure: without it its database is empty there."""
    found = []
    for part in parts:
        with contextlib.suppress(Exception):
            pickle.dumps(part)
            found.append(part)
    return tuple(found)


class Lost(Exception):
    """The child is gone, or had to be ended; the message says why."""


class _Child:
    """One process, for as long as the session lasts."""

    def __init__(self, hash_seed: int) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the child)
        begin = f"import sys; sys.path[:] = {sys.path!r}; from {SIDE} import serve; serve()"
        flags = [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items() if name == "utf8"]
        environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONDONTWRITEBYTECODE": "1" if sys.dont_write_bytecode else ""}
        try:
            self._process = _Popen(
                [sys.executable, *flags, "-c", begin],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=environment,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for this process, which ends the child
            )
        except OSError as failure:
            raise Lost(f"could not be started: {failure}") from failure
        self._patience = START

    def ask(self, order: Order, backend: Backend) -> There:
        """Raises Lost."""
        self._send(order)
        while True:
            message = self._receive()
            match message:
                case "done", There() as there:
                    self._patience = CALL
                    return there
                case "backend", request:
                    self._send(_answered(backend, request))
                case _:
                    self._raise_lost(f"said {message!r}, and was ended")

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _send(self, message: object) -> None:
        data = pickle.dumps(message)
        try:
            assert self._process.stdin is not None
            write(self._process.stdin.fileno(), data)
        except OSError:
            self._raise_lost("ended by itself")

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        pipe, end = self._process.stdout.fileno(), real.monotonic() + self._patience

        def take(length: int) -> bytes:
            data = bytearray()
            while len(data) < length:
                if WAITS and not _select([pipe], [], [], max(0.0, end - real.monotonic()))[0]:
                    self._raise_lost(f"did not answer for {self._patience:g} s, and was ended")
                if not (part := os.read(pipe, length - len(data))):
                    self._raise_lost("ended by itself")
                data += part
            return bytes(data)

        try:
            return pickle.loads(take(HEAD.unpack(take(HEAD.size))[0]))  # what a child of our own says
        except Lost:
            raise
        except Exception as failure:  # of a class of the user's own, which does not let itself be made here
            self._raise_lost(f"gave an answer that cannot be read here ({failure!r})")

    def _raise_lost(self, why: str) -> Any:
        if why == "ended by itself":
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
            code = self._process.poll()
            why = (
                "ended by itself"
                if code is None
                else f"ended by itself, with exit code {code}"
                if code >= 0
                else f"was ended by signal {-code}"
            )
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        said = self._errors.read()[-SAID:].decode(errors="replace").strip().splitlines()
        self.end()
        raise Lost(why + (f" ({said[-1][:200]})" if said else ""))


_Popen, _select = subprocess.Popen, select.select  # the real ones, whatever a test replaces them with
_children: dict[int, _Child] = {}
_owner = os.getpid()


def _child(hash_seed: int) -> _Child:
    global _owner
    if _owner != os.getpid():  # a fork of the one that started them
        _children.clear()
        _owner = os.getpid()
    if hash_seed not in _children:
        _children[hash_seed] = _Child(hash_seed)
    return _children[hash_seed]


@atexit.register
def end_all() -> None:
    """Those of this process: a fork leaves its parent's alone."""
    while _children and _owner == os.getpid():
        _children.popitem()[1].end()


def _answered(backend: Backend, request: IncomingRequest) -> tuple[str, Any]:
    try:
        answer = backend.answer(request)
    except BackendFailed as failure:
        return "failed", (failure.what, failure.where)
    return "answer", None if answer is None else (answer.status, answer.content, answer.content_type, answer.headers)
