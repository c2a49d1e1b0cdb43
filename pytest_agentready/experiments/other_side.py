"""The life of another process: it makes the calls that it is ordered to make, in a virtual world of its own."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_agentready.domain import ADDRESS, Run, Tool, read_answer
from pytest_agentready.experiments.by_name import Nameless, find
from pytest_agentready.experiments.calling import with_token
from pytest_agentready.experiments.memory import Kept, Memory, added
from pytest_agentready.experiments.orders import HEAD, Content, Order, There, write
from pytest_agentready.world import Backend, BackendFailed, IncomingRequest, Response, Stay, stay
from pytest_agentready.world.allowed import permitted
from pytest_agentready.world.files import temporary
from pytest_agentready.world.granted import granted
from pytest_agentready.world.leftovers import collected
from pytest_agentready.world.stdio import muted


def serve() -> None:
    """The child's whole life: an order, its answer, the next order, until this process's end is closed."""
    line = _Line()
    while True:
        order = line.receive()
        try:
            there = _made(order, line.ask)
        except BaseException as failure:  # whatever the user's code raises when it is imported, SystemExit too
            there = There(obstacle=f"in another process {_told(failure)}")
        try:
            line.send(("done", there))
        except Exception as failure:
            line.send(("done", There(obstacle=f"what another process gives back cannot be taken here ({failure!r})")))


class _Line:
    """To the process that orders: over what were standard input and output, which the user's code no longer has."""

    def __init__(self) -> None:
        self._orders, self._answers = os.dup(0), os.dup(1)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(2, 1)  # what the user's code prints is none of ours

    def receive(self) -> Any:
        return pickle.loads(self._take(HEAD.unpack(self._take(HEAD.size))[0]))

    def send(self, message: object) -> None:
        write(self._answers, pickle.dumps(message))

    def ask(self, request: IncomingRequest) -> Response | None:
        """The backend is over there. Raises BackendFailed."""
        self.send(("backend", replace(request, headers=dict(request.headers), params=dict(request.params))))
        kind, answer = self.receive()
        if kind == "failed":
            raise BackendFailed(*answer)
        if answer is None:
            return None
        status, content, content_type, headers = answer
        return Response(status, body=content, content_type=content_type, headers=headers)

    def _take(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            part = os.read(self._orders, length - len(data))
            if not part:
                os._exit(0)
            data += part
        return bytes(data)


def _told(failure: BaseException) -> str:
    if isinstance(failure, Nameless):
        return str(failure)
    if isinstance(failure, BackendFailed):
        return f"the backend does not work: {failure}"
    return f"it raises {type(failure).__name__}: {failure}"


def _made(order: Order, ask: Callable[[IncomingRequest], Response | None]) -> There:
    _settle_in(order)
    content: Content = pickle.loads(order.content)
    calls = [(named.object, arguments) for named, arguments in content.calls]
    tool = Tool(name="", call=calls[-1][0], is_async=False, source="")
    backend = Backend(handler=ask, peers=content.peers, procedures=next(iter(content.procedures), None), streams=content.streams)
    remembered = Memory(call for call, _ in calls)
    runs: list[Run] = []
    kept: list[tuple[Kept, ...]] = []

    def visit(world: Stay) -> None:
        if content.began is not None:
            world.begin_at(content.began)
        for number, (call, arguments) in enumerate(calls, 1):
            before = remembered.snapshot()
            has_token = bool(content.tokens) and number == len(calls)
            runs.append(world.call(call, with_token(content.tokens, arguments, runs[-1].value) if has_token else arguments))
            kept.append(added(before, remembered.snapshot()))

    with _as_over_there(content), muted(), remembered.restored(), collected(tool, content.chance):
        stay(visit, backend=backend)
    return There("", tuple(map(_portable, runs)), tuple(canonical(run.value) if run.returned else "" for run in runs), tuple(kept))


def _settle_in(order: Order) -> None:
    """The same folders, environment and modules as over there; the seed of hashes is this process's own."""
    sys.path[:] = order.path
    os.chdir(order.directory)
    seed = os.environ["PYTHONHASHSEED"]
    os.environ.clear()
    os.environ.update(order.environment, PYTHONHASHSEED=seed)
    find(order.modules)


@contextlib.contextmanager
def _as_over_there(content: Content) -> Iterator[None]:
    """With the same context variables, and the same allowed."""
    with contextlib.ExitStack() as undo:
        for named, value in content.variables:
            variable = named.object
            undo.callback(variable.reset, variable.set(value))
        undo.callback(temporary.end)  # this process is killed in the end
        undo.enter_context(permitted(content.allowed))
        undo.enter_context(granted(content.grant))
        yield


def _portable(run: Run) -> Run:
    run = replace(run, answer=read_answer(run.value)) if run.returned else run
    for found in (run, replace(run, value=None), replace(run, value=None, arguments={})):
        with contextlib.suppress(Exception):
            pickle.dumps(found)
            return found
    return Run({})


def canonical(value: object, depth: int = 6) -> str:
    """The value in words that every process has for it: the order of a list counts, that of a set does not."""
    if depth and isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(canonical(part, depth - 1) for part in value)) + "}"
    if depth and isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {canonical(part, depth - 1)}" for key, part in value.items()) + "}"
    if depth and isinstance(value, (list, tuple)):
        return "[" + ", ".join(canonical(part, depth - 1) for part in value) + "]"
    if depth and hasattr(value, "model_dump"):
        with contextlib.suppress(Exception):
            return f"{type(value).__name__}{canonical(value.model_dump(), depth - 1)}"
    try:
        return ADDRESS.sub("", repr(value))
    except Exception:  # a __repr__ of the user's own
        return f"<{type(value).__name__}>"
