"""Calls that break the tool's own schema, in a world that is healthy: the simplest violations first, one argument at a time.

Where none of them does harm, hypothesis draws others: odd text, extreme numbers, several wrong at once, parts deep inside. It shrinks
what does harm. Whoever fails for null needs no example of half a surrogate pair, and the guard that he writes is tried in the next run.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_agentready.arguments.hostile import is_taken_as_json, violations
from pytest_agentready.domain import HostileArguments, HostileCall, NormalCall, Run, Tool, harm_of, identities, read
from pytest_agentready.experiments.calling import called
from pytest_agentready.world import BackendFailed, Limits
from pytest_agentready.world.stdio import muted

if TYPE_CHECKING:  # it takes a third of a second to import, and most tools that fail do so before it is needed
    from hypothesis.strategies import SearchStrategy

PATIENCE = Limits(attempts=1_000, turns=20_000)  # as much as the normal call has
CALLS = 60  # of one tool, those for shrinking included
EFFORT = 40  # for those that are drawn: a call that reaches a peer takes several times as long as one that is refused at the door
REACHING = 4  # of it
SHRINKING = 10  # calls
STALE = 15  # in a row: there is hardly anything else to be drawn
EXAMPLES = 100  # at most
HOPELESS = ("spin", "blind")  # ten real seconds for each further call would teach nothing


def run(tool: Tool, normal_call: NormalCall) -> HostileArguments:
    if nothing := _nothing_to_violate(tool):
        return HostileArguments(nothing=nothing)
    if normal_call.missing:
        return HostileArguments()
    usual = identities(normal_call.usual)
    calls: list[HostileCall] = []
    untold: list[str] = []
    with muted():
        for name, value in violations(tool.interface(), _arguments(tool)):
            try:
                calls.append(HostileCall(name, value, _called(tool, normal_call, {name: value})))
            except BackendFailed as failure:  # it was made for the normal call alone
                untold.append(f"{name}={value!r}: {failure}")
                continue
            if _is_hopeless(calls[-1]):
                break
        if not any(harm_of(call, usual, tool.facts) for call in calls):
            drawn = _Lot(tool, normal_call, calls, CALLS - len(calls) - len(untold)).found()
            calls.extend([] if drawn is None else [drawn])
    gap = f"the backend does not work under {len(untold)} calls, such as {untold[0]}" if untold else ""
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


def _called(tool: Tool, normal_call: NormalCall, changed: Mapping[str, Any]) -> Run:
    """Of a tool that wants programs alone with those that say nothing and succeed, so that it is seen which it would start."""
    limits = replace(PATIENCE, programs="succeeds") if normal_call.stood_in else PATIENCE
    return read(tool, called(tool, {**_arguments(tool), **changed}, limits=limits))


def _is_hopeless(call: HostileCall) -> bool:
    return call.run.ending is not None and call.run.ending.kind in HOPELESS


class _Lot:
    """The drawn calls: each is made once, and they are no more than `budget`."""

    def __init__(self, tool: Tool, normal_call: NormalCall, before: Iterable[HostileCall], budget: int) -> None:
        self.tool = tool
        self.normal_call = normal_call
        self.usual = identities(normal_call.usual)
        self.budget = budget
        self.effort = EFFORT
        self.stale = 0  # how many in a row were calls that had been made before
        # By their arguments; None: it did no harm.
        self.made: dict[str, HostileCall | None] = dict.fromkeys(_key(call.changed) for call in before)
        self.looking = True  # until there is something to shrink

    def found(self) -> HostileCall | None:
        with warnings.catch_warnings():
            # It loads what others have registered with it, and does not find what holds it while the older objects are set aside.
            warnings.simplefilter("ignore")
            from pytest_agentready.arguments.drawn import Attempt, attempts
            from pytest_agentready.arguments.search import smallest

        def strategy() -> SearchStrategy[Attempt] | None:
            return attempts(self.tool.interface(), _arguments(self.tool))

        best = smallest(strategy, lambda drawn: self.does_harm(drawn.wrong, drawn.varied), EXAMPLES)
        return None if best is None else self.made[_key({**best.wrong, **best.varied})]

    def does_harm(self, wrong: Mapping[str, Any], varied: Mapping[str, Any]) -> bool:
        """Raises Enough."""
        from pytest_agentready.arguments.search import Enough

        key = _key({**wrong, **varied})
        self.stale = self.stale + 1 if key in self.made else 0
        if self.looking and (self.stale > STALE or self.effort <= 0 or self.budget <= SHRINKING):
            raise Enough
        if key not in self.made:
            if self.budget <= 0:
                raise Enough
            self.made[key] = self._tried(wrong, varied)
        harm = self.made[key] is not None
        self.looking = self.looking and not harm
        return harm

    def _tried(self, wrong: Mapping[str, Any], varied: Mapping[str, Any]) -> HostileCall | None:
        """The call, if it does harm."""
        (parameter, value), *others = wrong.items()
        try:
            call = HostileCall(parameter, value, self._made({**wrong, **varied}), dict(others), varied, drawn=True)
            harmful = harm_of(call, self.usual, self.tool.facts) is not None and (not varied or self._is_due_to_what_is_wrong(call))
        except BackendFailed:  # it was made for the normal call alone
            return None
        return call if harmful else None

    def _is_due_to_what_is_wrong(self, call: HostileCall) -> bool:
        """Not where the valid arguments do it by themselves."""
        valid = self._made(call.varied)
        usual, facts = self.usual | identities(valid), self.tool.facts
        return harm_of(call, usual, facts) is not None and harm_of(replace(call, run=valid), usual, facts) is None

    def _made(self, changed: Mapping[str, Any]) -> Run:
        self.budget -= 1
        run = _called(self.tool, self.normal_call, changed)
        self.effort -= 1 + REACHING * len(run.attempts)
        if run.ending is not None and run.ending.kind in HOPELESS:
            self.budget = 0
        return run


def _key(changed: Mapping[str, Any]) -> str:
    return json.dumps(changed, sort_keys=True)
