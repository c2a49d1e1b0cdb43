"""What the providers of models have in common: each request is put to the model of the run, and recorded."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pytest_agentready.domain import (
    AskedForEver,
    Ending,
    Message,
    ModelAnswer,
    ModelCall,
    ModelFailure,
    ModelRequest,
    OfferedTool,
    OutOfScript,
    Usage,
    tokens,
)
from pytest_agentready.domain.observation import TO_CALL_A_MODEL
from pytest_agentready.world import stack
from pytest_agentready.world.backend_calls import BackendFailed
from pytest_agentready.world.messages import Response
from pytest_agentready.world.services.exchange import Exchange

NO_MORE: Mapping[str, str] = {}  # headers
WINDOWS = (1_000_000, 400_000, 200_000, 128_000, 32_768, 8_192, 4_096)  # tokens
FRAME = 4  # tokens around each message, and around each tool
# Answers are told apart for as long as the process: a loop may come back to one that an earlier run has given.
_answers = itertools.count(1)


class Refused(Exception):
    """The provider does not put this request to a model."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response


@dataclass(slots=True)
class Kept:
    """A conversation that the provider keeps, up to one of its answers."""

    messages: tuple[Message, ...]
    tools: tuple[OfferedTool, ...] = ()


@dataclass(slots=True)
class Memory:
    """What the providers of one run know of it."""

    conversations: dict[str, Kept] = field(default_factory=dict)  # by the id of the answer
    counted: dict[Message, tuple[Message, int]] = field(default_factory=dict)  # with its tokens
    tools: dict[str, int] = field(default_factory=dict)  # the tokens of a tool's description
    calls: int = 0  # calls of tools that have been made


class Desk:
    """Where a provider's protocol asks for what it cannot know: the model's answer, ids, the time, what was said before."""

    def __init__(self, exchange: Exchange, host: str) -> None:
        """`host`: whom the client believes to have asked."""
        self.stranded = False  # nobody knows what the model would answer
        self._exchange = exchange
        self._host = host
        self._network = exchange.network
        self.memory: Memory = self._network.memory.setdefault("models", Memory())

    @property
    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self._network.time.wall + self._network.time.now)

    def answer_id(self, prefix: str) -> str:
        return f"{prefix}{next(_answers):024d}"

    def read(self, request: Callable[[], ModelRequest], otherwise: Callable[[Desk, Exception], Response]) -> ModelRequest:
        """What is asked. Raises Refused where the body is none that the provider would understand."""
        try:
            return request()
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise Refused(otherwise(self, problem)) from problem

    def count(self, request: ModelRequest) -> ModelRequest:
        """The same request, with its prompt counted, and messages that were seen before not kept once more."""
        known = [self._known(message) for message in request.messages]
        prompt = FRAME + sum(count for _, count in known) + sum(self._cost_of(tool) for tool in request.tools)
        return replace(request, messages=tuple(message for message, _ in known), prompt_tokens=prompt)

    def ask(
        self, request: ModelRequest, call_prefix: str, as_sent: Callable[[ModelAnswer], ModelAnswer] = lambda answer: answer
    ) -> tuple[ModelRequest, ModelAnswer | ModelFailure]:
        """What the model answers, with an id for each call, as far as the protocol can carry it; the call is recorded."""
        if not self._network.time.count_model_call(len(self._network.model_calls), self._exchange.where):
            return request, ModelFailure("server_error", message="the run is over")
        request = self.count(request)
        found = self._network.ask(lambda: self._respond(request), self._strand)
        if isinstance(found, ModelAnswer):
            found = replace(found, calls=tuple(replace(call, id=call.id or self._call_id(call_prefix)) for call in found.calls))
            found = as_sent(found if found.usage is not None else replace(found, usage=_counted(request, found)))
        self._exchange.note(is_write=False)
        where, span = self._exchange.where, self._exchange.span
        self._network.model_calls.append(ModelCall(request, found, self._network.time.now, where, self._host, span))
        return request, found

    def keep(self, answer_id: str, request: ModelRequest, answer: ModelAnswer) -> None:
        """The conversation goes on from this answer, when somebody names it."""
        spoken = Message("assistant", answer.text, answer.calls)
        self.memory.conversations[answer_id] = Kept((*request.messages, spoken), request.tools)

    def _respond(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        assert self._network.respond is not None
        try:
            return self._network.respond(request)
        except OutOfScript as end:
            raise BackendFailed(str(end)) from end
        except AskedForEver as runaway:
            self._network.time.end(Ending("runaway", TO_CALL_A_MODEL, runaway.times, self._exchange.where))
            return ModelFailure("server_error", message=str(runaway))  # which nobody reads: the run is over
        except Exception as failure:
            raise BackendFailed(f"the script of the model raised {failure!r}", stack.of_traceback(failure.__traceback__)) from failure

    def _strand(self, failure: BaseException) -> ModelFailure:
        """The test fails for it; the client is told as well, and that it need not ask again."""
        self.stranded = True
        return ModelFailure("server_error", message=str(failure))

    def _call_id(self, prefix: str) -> str:
        self.memory.calls += 1
        return f"{prefix}{self.memory.calls:024d}"

    def _known(self, message: Message) -> tuple[Message, int]:
        found = self.memory.counted.get(message)
        if found is None:
            calls = sum(tokens(call.name) + tokens(call.arguments) + FRAME for call in message.calls)
            found = self.memory.counted[message] = (message, FRAME + tokens(message.text) + calls)
        return found

    def _cost_of(self, tool: OfferedTool) -> int:
        described = json.dumps([tool.name, tool.description, dict(tool.schema)], default=str)
        if described not in self.memory.tools:
            self.memory.tools[described] = FRAME + tokens(described)
        return self.memory.tools[described]


def overflow(prompt: int) -> tuple[int, int]:
    """A window that this prompt does not fit into, and how long the prompt is said to be: a short one is said to be longer."""
    size = next((size for size in WINDOWS if size < prompt), WINDOWS[-1])
    return size, max(prompt, size + 1)


def _counted(request: ModelRequest, answer: ModelAnswer) -> Usage:
    output = tokens(answer.text) + sum(tokens(call.name) + tokens(call.arguments) for call in answer.calls)
    return Usage(request.prompt_tokens, max(1, output))
