"""A model that wants a tool called three times in one answer, each time about something else; and each of these calls by itself.

The answers of the backend tell what was asked for, and of requests that are sent at once the last is answered first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_agentready.domain import Loop, NormalConversation, OfferedTool, ParallelCalls
from pytest_agentready.experiments.conversing import Outage, Player, calling, converse, varied
from pytest_agentready.script import say
from pytest_agentready.world.joint_backend import backend_of
from pytest_agentready.world.lateness import LastComesFirst
from pytest_agentready.world.stdio import muted
from pytest_agentready.world.telling import Telling

ANSWER = "Your orders are on their way."
CALLS = 3


def run(loop: Loop, normal_conversation: NormalConversation) -> ParallelCalls:
    trial = normal_conversation.trial
    if trial is None:
        return ParallelCalls()
    asked = trial.asked
    if asked is not None and not asked.parallel:
        return ParallelCalls(one_at_a_time=True)
    arguments = _several(loop, trial.tool, trial.arguments)
    calls = [calling(loop, trial.tool, each) for each in arguments]
    words = tuple(tuple(str(value) for value in each.values()) for each in arguments)
    late = LastComesFirst("last-comes-first", "of several requests the last is answered first", "content", failure=False, words=words)
    found = ParallelCalls()
    with muted():
        for backend in (Telling(backend_of(loop)), backend_of(loop)):
            apart = tuple(converse(loop, Player(call, say(ANSWER)), backend=backend) for call in calls)
            found = ParallelCalls(trial.tool.name, apart)
            if len(set(found.told.values())) == len(calls):
                break
        late_ones = Outage(late, normal_conversation.model_hosts)
        return replace(found, together=converse(loop, Player(calls, say(ANSWER)), backend=backend, outage=late_ones))


def _several(loop: Loop, offered: OfferedTool, arguments: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Those of the tool's own mark, where there are several; else the first, with other values where any will do, or others of an enum."""
    for tool in (*loop.facts.tools, *loop.known()):
        given = tool.facts.args or ()
        if len(given) >= CALLS and tool.name.rpartition(".")[2] == offered.name:
            return tuple(given[:CALLS])
    if varied(arguments, 1, offered) != dict(arguments):
        return tuple(varied(arguments, turn, offered) for turn in range(CALLS))
    properties = offered.schema.get("properties") or {}

    def options(name: str, value: Any) -> list[Any]:
        schema = properties.get(name)
        known = schema.get("enum") or () if isinstance(schema, Mapping) else ()
        return [value, *(one for one in known if one != value)]

    values = {name: options(name, value) for name, value in arguments.items()}
    return tuple({name: known[turn % len(known)] for name, known in values.items()} for turn in range(CALLS))
