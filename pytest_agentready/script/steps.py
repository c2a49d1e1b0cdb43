"""The steps of a script: frozen, and each makes an answer of whatever request comes."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, Union

from pytest_agentready.domain.model import ModelAnswer, ModelFailure, ModelRequest, ToolCall, Usage
from pytest_agentready.domain.tokens import tokens
from pytest_agentready.script.instructions import instructions
from pytest_agentready.script.malformation import Malformation, malformed

S = TypeVar("S", bound="Step")
NO_TOOLS = "I have no tool for that."  # what a model says that would call one, and is offered none
NOTHING_TO_OBEY = "I have been told nothing that I could do."


@dataclass(frozen=True)
class Step(ABC):
    """One answer. What it uses is counted, unless `using` says otherwise."""

    prompt: int | None = field(default=None, kw_only=True, repr=False)
    output: int | None = field(default=None, kw_only=True, repr=False)
    cached: int = field(default=0, kw_only=True, repr=False)

    def using(self: S, *, prompt: int | None = None, output: int | None = None, cached: int = 0) -> S:
        """The same step, with this usage in the place of what is counted; `cached` tokens are a part of the prompt."""
        return replace(self, prompt=prompt, output=output, cached=cached)

    def answer(self, request: ModelRequest, turn: int) -> ModelAnswer | ModelFailure:
        """The answer to this request; `turn` says how often this step has been asked before."""
        made = self.made(request, turn)
        if isinstance(made, ModelFailure):
            return made
        if made.calls and not request.may_call:
            made = replace(made, text=made.text or NO_TOOLS, calls=(), out_of_tokens=False, withheld=made.calls)
        if not request.parallel:
            made = replace(made, calls=made.calls[:1])
        return made if made.usage is not None else replace(made, usage=self._usage(request, made))

    @abstractmethod
    def made(self, request: ModelRequest, turn: int) -> ModelAnswer | ModelFailure:
        """What it says to this request, as if the model could do whatever it likes."""

    def _usage(self, request: ModelRequest, made: ModelAnswer) -> Usage:
        counted = tokens(made.text) + sum(tokens(call.name) + tokens(call.arguments) for call in made.calls)
        if made.out_of_tokens and request.max_tokens:
            counted = request.max_tokens
        prompt = request.prompt_tokens if self.prompt is None else self.prompt
        return Usage(prompt, max(1, counted) if self.output is None else self.output, min(self.cached, prompt))


Scripted = Union[Step, str, "Sequence[Call]", Callable[[ModelRequest], Union[Step, str, "Sequence[Call]"]]]


@dataclass(frozen=True)
class Call(Step):
    """One call of a tool."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""

    def written(self, request: ModelRequest) -> ToolCall:
        """The call as the model writes it."""
        return ToolCall(self.name, json.dumps(dict(self.arguments)), self.id)

    def made(self, request: ModelRequest, turn: int) -> ModelAnswer:
        return ModelAnswer(calls=(self.written(request),), out_of_tokens=self.is_cut_off)

    @property
    def is_cut_off(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"call({', '.join([repr(self.name), *(f'{name}={value!r}' for name, value in self.arguments.items())])})"


@dataclass(frozen=True)
class MalformedCall(Call):
    """A call whose arguments are not what the tool's schema asks for."""

    how: Malformation = "truncated"

    def written(self, request: ModelRequest) -> ToolCall:
        schema = next((tool.schema for tool in request.tools if tool.name == self.name), {})
        arguments = dict(self.arguments) or dict.fromkeys(schema.get("properties", ()), "a value")
        return ToolCall(self.name, malformed(self.how, arguments, schema), self.id)

    @property
    def is_cut_off(self) -> bool:
        """Arguments end in the middle where the limit of the output is reached."""
        return self.how in ("truncated", "unclosed")

    def __str__(self) -> str:
        return f"malformed({self.name!r}, {self.how!r})"


@dataclass(frozen=True)
class UnknownTool(Call):
    """A call of a tool that is not there, with a name as models make them up."""

    name: str = ""

    def written(self, request: ModelRequest) -> ToolCall:
        offered = {tool.name for tool in request.tools}
        name = self.name or (f"{min(offered)}_v2" if offered else "search_the_web")
        while name in offered:
            name += "_v2"
        return ToolCall(name, json.dumps(dict(self.arguments)), self.id, made_up=True)

    def __str__(self) -> str:
        return f"unknown_tool({self.name!r})" if self.name else "unknown_tool()"


@dataclass(frozen=True)
class Say(Step):
    """A text, and calls beside it."""

    text: str
    calls: tuple[Call, ...] = ()

    def made(self, request: ModelRequest, turn: int) -> ModelAnswer:
        calls = tuple(call.written(request) for call in self.calls)
        return ModelAnswer(self.text, calls, out_of_tokens=any(call.is_cut_off for call in self.calls))

    def __str__(self) -> str:
        calls = ", ".join(str(call) for call in self.calls)
        return f"[{calls}]" if calls and not self.text else f"say({', '.join(filter(None, [repr(self.text), calls]))})"


@dataclass(frozen=True)
class Obey(Step):
    """What the news tell it to do, be they a tool's or the user's; where they tell nothing, `otherwise`."""

    otherwise: Step = field(default_factory=lambda: Say(NOTHING_TO_OBEY))

    def made(self, request: ModelRequest, turn: int) -> ModelAnswer | ModelFailure:
        for message in reversed(request.news):
            if calls := instructions(message):
                return ModelAnswer(calls=tuple(calls))
        return self.otherwise.made(request, turn)

    def __str__(self) -> str:
        return "obey()"


@dataclass(frozen=True)
class RepeatTheSystemPrompt(Step):
    def made(self, request: ModelRequest, turn: int) -> ModelAnswer:
        return ModelAnswer(request.system)

    def __str__(self) -> str:
        return "repeat_the_system_prompt()"


@dataclass(frozen=True)
class Cut(Step):
    """An answer that breaks off."""

    step: Step
    after: int
    in_silence: bool
    in_good_order: bool = False

    def made(self, request: ModelRequest, turn: int) -> ModelAnswer | ModelFailure:
        made = self.step.answer(request, turn)
        if isinstance(made, ModelFailure):
            return made
        return replace(made, breaks_after=self.after, in_silence=self.in_silence, in_good_order=self.in_good_order)

    def __str__(self) -> str:
        return f"cut_stream({self.step}, after={self.after})"


@dataclass(frozen=True)
class Fail(Step):
    failure: ModelFailure

    def made(self, request: ModelRequest, turn: int) -> ModelFailure:
        return self.failure

    def __str__(self) -> str:
        return f"fail_with({self.failure.status or self.failure.kind!r})"


@dataclass(frozen=True)
class Decide(Step):
    """A function of the request."""

    function: Callable[[ModelRequest], Any]

    def made(self, request: ModelRequest, turn: int) -> ModelAnswer | ModelFailure:
        return step(self.function(request)).answer(request, turn)

    def __str__(self) -> str:
        return f"{getattr(self.function, '__name__', self.function)}"


@dataclass(frozen=True)
class ForEver(Step):
    """These steps in turn, without end; a function gives the step of each turn, counted from 0."""

    steps: tuple[Step, ...] = ()
    function: Callable[[Any], Any] | None = None

    def made(self, request: ModelRequest, turn: int) -> ModelAnswer | ModelFailure:
        if self.function is not None:
            return step(self.function(turn)).answer(request, turn)
        lap, which = divmod(turn, len(self.steps))
        return self.steps[which].answer(request, lap)

    def __str__(self) -> str:
        inner = ", ".join(str(step) for step in self.steps) if self.function is None else getattr(self.function, "__name__", "...")
        return f"for_ever({inner})"


def step(scripted: Any) -> Step:
    """What was written in a script, as a step. Raises TypeError where it is none."""
    if isinstance(scripted, Step):
        return scripted
    if isinstance(scripted, str):
        return Say(scripted)
    if isinstance(scripted, (list, tuple)) and scripted and all(isinstance(one, Call) for one in scripted):
        return Say("", tuple(scripted))
    if callable(scripted):
        return Decide(scripted)
    raise TypeError(f'{scripted!r} is nothing that a model does: write a text, call("get_order", order_id="7"), or a list of calls')
