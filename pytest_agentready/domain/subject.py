"""What is examined: a tool, and the facts that its owner states about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pytest_agentready.domain.answer import Answer, read_answer
from pytest_agentready.domain.interface import Interface
from pytest_agentready.domain.observation import Run

Kind = Literal["api", "db"]
TOLERANCE = 1.1  # seconds: aiohttp rounds its deadlines up to whole seconds
RESULT_BUDGET = 4_000  # tokens
TIME_LIMITS: Mapping[Kind, float] = {"api": 5.0, "db": 30.0}  # seconds; the article's step 2


@dataclass(frozen=True, slots=True)
class Facts:
    """What the marker states. Every fact is optional; what is left out is found out or said to be missing."""

    args: tuple[Mapping[str, Any], ...] | None = None  # one run per set of arguments; None: not given
    backend: object = None  # what the outside world answers
    timeout: float | None = None  # seconds
    kind: Kind = "api"
    generated: bool = False  # the arguments are made up from the tool's schema: the marker gives none
    result_budget: int = RESULT_BUDGET  # tokens of what a call may return
    destructive: bool | None = None  # what the tool is said to be; None: nothing is said
    read_only: bool | None = None
    idempotent: bool | None = None
    confirm: Callable[..., Any] | None = None  # records a human's approval of exactly the call with these keyword arguments; sync or async
    user: object = None  # the parameter that carries the user, or the ContextVar that does
    reads: tuple[str, ...] = ()  # "POST https://api.example.com/search": writes by their verb that only read
    bookkeeping: tuple[str, ...] = ()  # "redis:approvals:*", "table:outbox": stores of the gate's or a cache's own
    breaker: bool | None = None  # it is said to have a circuit breaker


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A callable that an agent's model may call, as an adapter made it out."""

    name: str  # defining module and qualified name: "shop.tools.send_email"
    call: Callable[..., Any]
    is_async: bool  # as far as its definition tells; what it returns decides
    source: str  # "/home/ada/shop/tools.py:12"
    framework: str = "python"
    facts: Facts = field(default_factory=Facts)
    read: Callable[[object], Answer] = read_answer  # how the framework's results are read
    interface: Callable[[], Interface] = Interface  # read when first asked for, and remembered: it takes longer than all the rest
    loops: Callable[[], tuple[str, ...]] = tuple  # the names of those that are examined beside it, and may offer it
    kind: Literal["tool"] = "tool"

    @property
    def description(self) -> str:
        """What the model is told that it does; "" where nothing is."""
        return self.interface().description

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema of the parameters that the model fills."""
        return self.interface().schema

    @property
    def time_limit(self) -> float:
        """Seconds within which a call has to end: the declared timeout, else what its kind allows."""
        return TIME_LIMITS[self.facts.kind] if self.facts.timeout is None else self.facts.timeout

    def is_late(self, seconds: float, limit: float | None = None) -> bool:
        return seconds > (self.time_limit if limit is None else limit) + TOLERANCE

    @property
    def program_limit(self) -> float:
        """Seconds within which a call has to end that waits for a program: the declared timeout, else what a database gets."""
        return max(TIME_LIMITS["db"], self.time_limit) if self.facts.timeout is None else self.facts.timeout


def read(tool: Tool, run: Run) -> Run:
    """The run with its value as the tool's framework would read it. The value itself goes: it may hold a connection."""
    return replace(run, answer=tool.read(run.value), value=None) if run.returned else replace(run, value=None)
