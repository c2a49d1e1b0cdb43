"""Of which calls no span tells: of none of a tool's, of some that were made at once, or by one that gets to no exporter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_agentready.domain import Run, Span, WatchedRuns
from pytest_agentready.telemetry.calls import ModelUse, Told, traces


class Shared(NamedTuple):
    """Calls of one tool that were made at once, and the fewer spans that tell of them."""

    tool: str
    calls: int
    spans: int


@dataclass(slots=True)
class ToolCoverage:
    """By the names of the tools."""

    silent: list[str] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
    never_ended: dict[str, Span] = field(default_factory=dict)
    sampled_out: list[str] = field(default_factory=list)
    seen: dict[str, Run] = field(default_factory=dict)  # where

    @property
    def lacking(self) -> frozenset[str]:
        return frozenset((*self.silent, *(one.tool for one in self.shared), *self.never_ended, *self.sampled_out))


def of_tools(ordinary: WatchedRuns) -> ToolCoverage:
    found, known = ToolCoverage(), traces(ordinary)
    for tool in ordinary.used:
        for watched in ordinary.whole:
            calls = watched.called(tool)
            if not calls:
                continue
            trace = known[id(watched.run)]
            told = Told(trace.innermost(trace.of_tool(tool, ordinary.tools, watched.uses)))
            if not told.readings:
                found.silent.append(tool)
            elif told.never_ended is not None:
                found.never_ended[tool] = told.never_ended.span
            elif told.sampled_out:
                found.sampled_out.append(tool)
            elif len(told.readings) < calls:
                found.shared.append(Shared(tool, calls, len(told.readings)))
            else:
                continue
            found.seen[tool] = watched.run
            break
    return found


def of_models(ordinary: WatchedRuns) -> tuple[ModelUse, ...]:
    """Every call of a model that was answered."""
    return tuple(use for trace in traces(ordinary).values() for use in trace.models if use.answered)


@dataclass(frozen=True, slots=True)
class Judgeable:
    """What has spans that can be looked at more closely, and which checks say why the rest has none."""

    tools: frozenset[str] = frozenset()
    models: bool = False
    see: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        return f"see {' and '.join(self.see)}" if self.see else "it calls no model, and no tool"


def judgeable(ordinary: WatchedRuns) -> Judgeable:
    if ordinary.disabled or not ordinary.has_spans:
        return Judgeable(see=("AR801",) if ordinary.disabled or ordinary.used else ("AR802",))
    models = of_models(ordinary)
    told = bool(models) and all(use.told.readings and use.told.never_ended is None and not use.told.sampled_out for use in models)
    lacking = of_tools(ordinary).lacking
    see = (*(("AR801",) if lacking else ()), *(("AR802",) if models and not told else ()))
    return Judgeable(frozenset(ordinary.used) - lacking, told, see)
