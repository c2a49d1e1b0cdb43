"""Calls that break the tool's own schema, in a world that is healthy: the simplest violations first, one argument at a time.

Where none of them does harm, hypothesis draws others: odd text, extreme numbers, several wrong at once, parts deep inside. It shrinks
what does harm. Whoever fails for null needs no example of half a surrogate pair, and the guard that he writes is tried in the next run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_agentready.arguments.hostile import is_taken_as_json, violations
from pytest_agentready.domain import HostileArguments, HostileCall, NormalCall, Run, Tool, harm_of, identities, read
from pytest_agentready.experiments.fault_matrix import muted
from pytest_agentready.world import Backend, BackendFailed, Limits, observe

PATIENCE = Limits(attempts=1_000, turns=20_000)  # as much as the normal call has
CALLS = 60  # of one tool, those for shrinking included
EFFORT = 40  # for those that are drawn: a call that reaches a peer takes several times as long as one that is refused at the door
REACHING = 4  # of it
SHRINKING = 15  # calls
STALE = 15  # in a row: there is hardly anything else to be drawn
EXAMPLES = 100  # at most
HOPELESS = ("spin", "blind")  # ten real seconds for each further call would teach nothing


def run(tool: Tool, normal_call: NormalCall) -> HostileArguments:
    if nothing := _nothing_to_violate(tool):
        return HostileArguments(nothing=nothing)
    if normal_call.obstacle:
        return HostileArguments()
    usual = identities(normal_call.runs[0])
    calls: list[HostileCall] = []
    untold: list[str] = []
    with muted():
        for name, value in violations(tool.interface(), _arguments(tool)):
            try:
                calls.append(HostileCall(name, value, _called(tool, {name: value})))
            except BackendFailed as failure:  # it was made for the normal call alone
                untold.append(f"{name}={value!r}: {failure}")
                continue
            if _is_hopeless(calls[-1]):
                break
        if not any(harm_of(call, usual) for call in calls):
            calls.extend(_Lot(tool, normal_call, CALLS - len(calls) - len(untold), calls).found())
    gap = f"the backend raised under {len(untold)} calls, such as {untold[0]}" if untold else ""
    return HostileArguments(tuple(calls), gap=gap)


def _nothing_to_violate(tool: Tool) -> str:
    offered = tool.interface().offered
    if not offered:
        return "it has no parameters that a model fills"
    typed = [parameter for parameter in offered if parameter.schema]
    if not typed:
        return "its parameters have no types: nothing says what is wrong for them"
    arguments = _arguments(tool)
    if not any(is_taken_as_json(parameter, arguments) for parameter in typed):
        types = ", ".join(dict.fromkeys(parameter.type for parameter in typed))
        return f"its arguments are made from JSON before it is called ({types}): who makes them refuses what is wrong"
    if not violations(tool.interface(), arguments):
        return "its parameters take anything that JSON can carry"
    return ""


def _arguments(tool: Tool) -> Mapping[str, Any]:
    return (tool.facts.args or ({},))[0]


def _called(tool: Tool, changed: Mapping[str, Any]) -> Run:
    backend = tool.facts.backend or Backend()
    return read(tool, observe(tool.call, {**_arguments(tool), **changed}, backend=backend, limits=PATIENCE))  # type: ignore[arg-type]


def _is_hopeless(call: HostileCall) -> bool:
    return call.run.ending is not None and call.run.ending.kind in HOPELESS


class _Lot:
    """The drawn calls: each is made once, and no more of them than `budget`."""

    def __init__(self, tool: Tool, normal_call: NormalCall, budget: int, before: list[HostileCall]) -> None:
        self.tool = tool
        self.usual = identities(normal_call.runs[0])
        self.budget = budget
        self.effort = EFFORT
        self.stale = 0  # how many in a row were calls that had been made
        # By their arguments; None: it did no harm.
        self.made: dict[str, HostileCall | None] = dict.fromkeys(_key(call.wrong, {}) for call in before)

    def found(self) -> list[HostileCall]:
        from pytest_agentready.arguments.drawn import attempts
        from pytest_agentready.arguments.search import smallest

        best = smallest(lambda: attempts(self.tool.interface(), _arguments(self.tool)), lambda drawn: self.does_harm(drawn.wrong, drawn.varied), EXAMPLES)
        found = None if best is None else self.made[_key(best.wrong, best.varied)]
        return [] if found is None else [found]

    def does_harm(self, wrong: Mapping[str, Any], varied: Mapping[str, Any]) -> bool:
        from pytest_agentready.arguments.search import Enough

        key = _key(wrong, varied)
        looking = not any(self.made.values())
        self.stale = self.stale + 1 if key in self.made else 0
        if looking and (self.effort <= 0 or self.budget <= SHRINKING or self.stale > STALE):
            raise Enough
        if key not in self.made:
            if self.budget <= 0:
                raise Enough
            self.made[key] = self._tried(wrong, varied)
        return self.made[key] is not None

    def _tried(self, wrong: Mapping[str, Any], varied: Mapping[str, Any]) -> HostileCall | None:
        (parameter, value), *others = wrong.items()
        try:
            self.budget -= 1
            call = HostileCall(parameter, value, _called(self.tool, {**wrong, **varied}), dict(others), varied, drawn=True)
            self.effort -= REACHING if call.run.attempts else 1
            if harm_of(call, self.usual) is None:
                return None
            return call if not varied or self._is_due_to_what_is_wrong(call) else None
        except BackendFailed:  # it was made for the normal call alone
            return None

    def _is_due_to_what_is_wrong(self, call: HostileCall) -> bool:
        """Not where valid arguments do the same."""
        self.budget -= 1
        valid = _called(self.tool, call.varied)
        control = HostileCall(call.parameter, call.value, valid)
        return harm_of(call, self.usual | identities(valid)) is not None and (call.run.raised is None or harm_of(control, self.usual | identities(valid)) is None)


def _key(wrong: Mapping[str, Any], varied: Mapping[str, Any]) -> str:
    return json.dumps({**wrong, **varied}, sort_keys=True)
