"""The five alerts that would have told of the incident in time, and what each can be computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_agentready.domain import Metric

Slug = Literal["tool-errors", "token-burn", "duration-tail", "injections", "cost-tail"]
TITLES: dict[Slug, str] = {
    "tool-errors": "tool error rate",
    "token-burn": "token burn rate",
    "duration-tail": "session duration tail",
    "injections": "injection detections",
    "cost-tail": "cost per session tail",
}
REMEDIES: dict[Slug, str] = {  # what to emit
    "tool-errors": "a span or a metric for each call of a tool, with the tool's name and `error.type`",
    "token-burn": "the tokens in and out on each span of a model's call, or a counter of them",
    "duration-tail": "a span around the whole run, or a histogram such as `agent.session.duration` in seconds",
    "injections": "a counter such as `agent.injection.detections`",
    "cost-tail": "a histogram such as `agent.session.cost` in USD, recorded once when a session ends",
}


@dataclass(frozen=True, slots=True)
class Matcher:
    """Some of a metric's series, by one of its labels."""

    label: str
    operator: Literal["=", "!=", "=~", "!~"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selected:
    """A metric, or those of its series that all matchers let through."""

    metric: Metric
    matchers: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolErrors:
    calls: Selected
    failures: Selected
    tool: str  # the label with its name


@dataclass(frozen=True, slots=True)
class TokenBurn:
    """Each of the sums counts all tokens; where one has no samples, the next is asked."""

    sums: tuple[tuple[Selected, ...], ...]


@dataclass(frozen=True, slots=True)
class Tail:
    """A histogram."""

    values: Selected
    agent: str = ""  # the label with the agent's name, where there is one


@dataclass(frozen=True, slots=True)
class Injections:
    detections: Selected
    scans: Selected | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Why no metric serves, in words."""

    reason: str


Source = ToolErrors | TokenBurn | Tail | Injections
