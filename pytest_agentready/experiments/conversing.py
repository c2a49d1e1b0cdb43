"""How a loop is talked to: with a scripted model behind its providers, turn by turn, in one world.

What the loop's modules remember is put back after each conversation: a budget that one of them has used up must not stop the next.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import io
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_agentready.arguments.plausible import value_of
from pytest_agentready.domain import (
    Breaker,
    Conversation,
    Loop,
    ModelAnswer,
    ModelFailure,
    ModelRequest,
    OfferedTool,
    Respond,
    Turn,
    is_mute,
    said,
)
from pytest_agentready.experiments.memory import Memory
from pytest_agentready.experiments.realistic import calls, final, fitted, forced
from pytest_agentready.script import Model, call, for_ever
from pytest_agentready.script.steps import Call, ForEver, Scripted, UnknownTool
from pytest_agentready.world import Limits, Stay, WireFault, active, keys, stack, stay
from pytest_agentready.world.joint_backend import backend_of

QUESTION = "Where is my order 42?"  # what the user asks where nothing else is to be said
DONE = "That is all that I could find out."  # what the model ends with
FORMS = {"enum", "const", "pattern", "format", "maximum", "maxLength"}  # of a schema: not any value will do
MOMENT = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d")
USER = "user-1"  # for whom a loop is called where nothing else is to be said
SESSION = "session-1"
PATIENCE = 20  # questions that are answered behind one call of the model
NO = "n"  # what a loop is told that asks at the keyboard whether to go on


@dataclass(frozen=True, slots=True)
class Outage:
    """A fault of everybody but the models."""

    fault: WireFault
    but: Collection[str]  # the hosts of the models
    spared: int = 0  # requests, those to the models among them, that are answered before it begins


def converse(
    loop: Loop,
    respond: Respond,
    *texts: str,
    outage: Outage | None = None,
    backend: object = None,
    user: str = USER,
    session: str = SESSION,
    limits: Limits | None = None,
) -> Conversation:
    """One turn for each text, in one world. `backend` takes the place of the marker's. Raises BackendFailed."""

    def visit(world: Stay) -> Conversation:
        if outage is not None:
            world.fault(outage.fault, outage.spared, but=outage.but)
        turns = []
        for text in texts or (QUESTION,):
            turns.append(turn(world, loop, text, user, session))
            if world.over:
                break
        return Conversation(tuple(turns))

    bounds = limits or limits_of(loop)
    with afresh(loop):
        return stay(visit, backend=backend_of(loop) if backend is None else backend, limits=bounds, respond=respond)


@contextlib.contextmanager
def afresh(subject: Loop | Breaker) -> Iterator[None]:
    """For one world of it; the next begins with what the subject's modules held before this one."""
    memory = memory_of(subject)
    try:
        with memory.restored(), keys.lent():
            yield
    finally:
        memory.forget_results()


def turn(world: Stay, loop: Loop, text: str, user: str = USER, session: str = SESSION, typed: str = NO) -> Turn:
    """One call of the loop; `typed` is what it hears where it asks at the keyboard whether to go on."""
    with keyboard(typed) as nobody, contextlib.redirect_stdout(io.StringIO()) as printed:
        run = world.call(loop.entry, loop.arguments(text, user, session))
    answer = said(run.value) if run.returned else None
    mute = run.returned and is_mute(run.value)
    return Turn(text, replace(run, value=None), answer, printed.getvalue(), nobody.asked_first, user, session, nobody.asked_to_go_on, mute)


def limits_of(loop: Loop, most: int | None = None) -> Limits:
    """The tripwire is the number of calls of the model, or `most`; a loop that works may well ask its tools' backends often.

    What a program would do is of no matter to how the loop goes on behind it, and most that run programs run whatever they are told.
    """
    calls = loop.facts.max_model_calls
    calls = calls if most is None else min(calls, most)
    return Limits(attempts=2_000, model_calls=calls, turns=20_000, horizon=30 * 86_400.0, real=20.0, programs="succeeds")


@functools.lru_cache(maxsize=1)
def memory_of(subject: Loop | Breaker) -> Memory:
    if isinstance(subject, Breaker):
        return Memory((subject.call, subject.facts.settle), keepers=True)
    facts = subject.facts
    tools = (*facts.tools, *subject.known())
    calls = [call for tool in tools for call in (tool.call, tool.facts.confirm)]  # an approval of ours is not to be left to others
    return Memory((subject.call, facts.call, facts.approve, *calls), keepers=True)


def arguments_of(loop: Loop, offered: OfferedTool) -> dict[str, Any]:
    """With which the model calls this tool: those of its own marker, else such as a model would make up by its schema."""
    for tool in (*loop.facts.tools, *loop.known()):
        if tool.facts.args and tool.name.rpartition(".")[2] == offered.name:
            return dict(tool.facts.args[0])
    schema = dict(offered.schema)
    properties = schema.get("properties", {})
    schema["required"] = schema.get("required") or list(properties)
    made = value_of(schema, offered.name) if properties else {}
    return made if isinstance(made, dict) else {}


def varied(arguments: Mapping[str, Any], turn: int, offered: OfferedTool) -> dict[str, Any]:
    """Other arguments of the same kind for each turn, as of a model that pages, or tries its luck; what has a fixed form stays as it is."""
    properties = offered.schema.get("properties") or {}
    fixed = {name for name, schema in properties.items() if isinstance(schema, Mapping) and not FORMS.isdisjoint(schema)}
    return {name: value if name in fixed else _varied(value, turn) for name, value in arguments.items()}


def _varied(value: Any, turn: int) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return value + turn
    if isinstance(value, str):
        if MOMENT.match(value):
            return value
        head, at, tail = value.partition("@")
        return f"{head}{turn}{at}{tail}" if turn else value
    if isinstance(value, list):
        return [_varied(item, turn) for item in value]
    return {key: _varied(item, turn) for key, item in value.items()} if isinstance(value, dict) else value


class Player:
    """A model for loops that are not known: it plays these steps where they can be played, and answers as a real one elsewhere.

    A loop may first let a model plan, route or summarise, without tools or with others: what is scripted is not used up by that.
    """

    def __init__(self, *steps: Scripted) -> None:
        self._model = Model(*steps) if isinstance(steps[-1], ForEver) else Model(*steps, for_ever(DONE))
        self._aside = Model(for_ever(DONE))

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        if request.may_call:
            answer = self._model.upcoming(request)
            if self._is_meant(answer, request):
                self._model.go_on()
                return fitted(request, answer)
        return fitted(request, self._aside(request))

    def _is_meant(self, answer: ModelAnswer | ModelFailure, request: ModelRequest) -> bool:
        """Was the step written for such a request? A model calls no tool that it is not offered, unless it makes one up."""
        if isinstance(answer, ModelFailure) or calls(answer, request):
            return True
        if forced(request) is not None:
            return False
        if answer.calls:
            return isinstance(self._model.present, UnknownTool)
        return request.tool_choice != "required" or final(request) is not None


def calling(loop: Loop, offered: OfferedTool, arguments: Mapping[str, Any] | None = None) -> Call:
    """The model calls this tool."""
    return call(offered.name, **(arguments_of(loop, offered) if arguments is None else arguments))


class _Keyboard:
    """Nobody sits there. Who asks before he has asked a model is told so; later it is a question whether to go on, with one answer."""

    def __init__(self, typed: str) -> None:
        self._typed = typed
        self.asked_first = ""  # the user's line that did, before any model was called
        self._asked = False
        self._calls = self._times = 0  # the calls of the model when it was asked last, and how often it has been since

    @property
    def asked_to_go_on(self) -> bool:
        return self._asked and not self.asked_first

    def answer(self, *_: object) -> str:
        """A loop may ask in each of its steps, for a permission say: how many of those it makes is for it to bound."""
        world = active.world
        self._asked = True
        calls = len(world.network.model_calls) if world is not None else self._calls
        if world is not None and not calls:
            self.asked_first = self.asked_first or stack.here(1)
            raise EOFError("nobody is at the keyboard")
        self._times = self._times + 1 if calls == self._calls else 1
        self._calls = calls
        if self._times > PATIENCE:
            raise EOFError("nobody is at the keyboard any more")
        return self._typed


@contextlib.contextmanager
def keyboard(typed: str = NO) -> Iterator[_Keyboard]:
    """For the time of a run."""
    nobody, standing = _Keyboard(typed), builtins.input
    builtins.input = nobody.answer
    try:
        yield nobody
    finally:
        builtins.input = standing
